//! A guest VM whose guests are closures. Each execution runs its closure on a thread of its own and waits there for the answer
//! of each import call, as a guest waits on its fiber.

use std::{
    collections::BTreeMap,
    panic::{catch_unwind, resume_unwind, AssertUnwindSafe},
    sync::{
        mpsc::{channel, Receiver, Sender},
        Arc, Mutex,
    },
    thread::JoinHandle,
};

use codec::Decode;
use sp_guest_vm::{codes, layout::MAX_ARGUMENTS, Entry, GuestVmHost, Report, Step, TrapClass};

use crate::seal::table;

/// Memory of each guest: one page.
pub const MEM_BYTES: u32 = 65_536;
/// Where scripts put the room of an output.
pub const LEN: u32 = 0;
/// Where scripts want outputs.
pub const OUT: u32 = 1_024;
/// Room of outputs.
pub const ROOM: u32 = 20_000;

/// What a script does.
pub type Body = Arc<dyn Fn(&mut Script) + Send + Sync>;

/// A module as the mock knows it.
#[derive(Clone)]
pub struct Program {
    /// Its guest.
    pub body: Body,
    /// What the validator reports.
    pub report: Report,
    /// Whether today's limits refuse it although it is stored.
    pub is_invalid: bool,
}

/// Programs by their code.
pub type Programs = Arc<Mutex<BTreeMap<Vec<u8>, Program>>>;

enum Act {
    Call { id: u32, args: Vec<u64> },
    Trap(TrapClass),
    OutOfGas,
    Finish,
    Panic(Box<dyn std::any::Any + Send>),
}

/// Unwinds a script's thread when its execution is dropped.
struct Dropped;

/// A running guest, seen from its script.
pub struct Script {
    /// Which entry point was started.
    pub entry: Entry,
    memory: Arc<Mutex<Vec<u8>>>,
    gas: i64,
    acts: Sender<(Act, i64)>,
    answers: Receiver<(i64, i64)>,
}

impl Script {
    fn send(&mut self, act: Act) {
        let gas = self.gas;
        if self.acts.send((act, gas)).is_err() {
            resume_unwind(Box::new(Dropped));
        }
    }

    fn wait(&mut self) -> i64 {
        match self.answers.recv() {
            Ok((gas, answer)) => {
                self.gas = gas;
                answer
            }
            Err(_) => resume_unwind(Box::new(Dropped)),
        }
    }

    /// Calls an import by "module.name".
    pub fn call(&mut self, name: &str, args: &[u64]) -> i64 {
        let entry = table::IMPORTS
            .iter()
            .find(|import| name == format!("{}.{}", import.module, import.name))
            .unwrap_or_else(|| panic!("{name} is in the table"));
        assert_eq!(args.len(), entry.params.len(), "{name} gets its arguments");
        self.burn(entry.price);
        self.send(Act::Call { id: entry.id, args: args.to_vec() });
        self.wait()
    }

    /// Calls an import that writes an output as its last two parameters; returns the answer and the output.
    pub fn output(&mut self, name: &str, args: &[u64]) -> (i64, Vec<u8>) {
        self.put(LEN, &ROOM.to_le_bytes());
        let args = [args, &[OUT.into(), LEN.into()]].concat();
        let answer = self.call(name, &args);
        let len = u32::from_le_bytes(self.get(LEN, 4).try_into().expect("four bytes"));
        (answer, self.get(OUT, len))
    }

    /// Calls an import with an output and no answer.
    pub fn getter(&mut self, name: &str) -> Vec<u8> {
        self.output(name, &[]).1
    }

    /// Ends the frame with data.
    pub fn finish_with(&mut self, flags: u32, data: &[u8]) {
        self.put(OUT, data);
        self.call("seal0.seal_return", &[flags.into(), OUT.into(), data.len() as u64]);
    }

    /// Writes own memory.
    pub fn put(&mut self, at: u32, bytes: &[u8]) {
        self.memory.lock().expect("no script panics with its memory locked")[at as usize..][..bytes.len()]
            .copy_from_slice(bytes);
    }

    /// Reads own memory.
    pub fn get(&self, at: u32, len: u32) -> Vec<u8> {
        self.memory.lock().expect("no script panics with its memory locked")[at as usize..][..len as usize].to_vec()
    }

    /// Uses gas.
    pub fn burn(&mut self, gas: u64) {
        self.gas -= gas as i64;
        if self.gas < 0 {
            self.gas = 0;
            self.send(Act::OutOfGas);
            self.wait();
        }
    }

    /// Gas that is left.
    pub fn gas(&self) -> u64 {
        self.gas as u64
    }

    /// Traps.
    pub fn trap(&mut self, class: TrapClass) {
        self.send(Act::Trap(class));
        self.wait();
    }
}

struct Exec {
    memory: Arc<Mutex<Vec<u8>>>,
    acts: Receiver<(Act, i64)>,
    answers: Option<Sender<(i64, i64)>>,
    thread: Option<JoinHandle<()>>,
    trapped: bool,
}

impl Exec {
    fn start(body: Body, entry: Entry) -> Self {
        let memory = Arc::new(Mutex::new(vec![0; MEM_BYTES as usize]));
        let (act_sender, acts) = channel();
        let (answers, answer_receiver) = channel();
        let mut script = Script { entry, memory: memory.clone(), gas: 0, acts: act_sender, answers: answer_receiver };
        let thread = std::thread::spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                script.wait();
                body(&mut script);
            }));
            let act = match outcome {
                Ok(()) => Act::Finish,
                Err(payload) if payload.is::<Dropped>() => return,
                Err(payload) => Act::Panic(payload),
            };
            let _ = script.acts.send((act, script.gas));
        });
        Self { memory, acts, answers: Some(answers), thread: Some(thread), trapped: false }
    }
}

impl Drop for Exec {
    fn drop(&mut self) {
        self.answers = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The mock behind `ext_guest_vm_*`.
#[derive(Default)]
pub struct ScriptedVm {
    programs: Programs,
    modules: Vec<Program>,
    execs: BTreeMap<u32, Exec>,
    started: u32,
}

impl ScriptedVm {
    /// A guest VM for these programs.
    pub fn new(programs: Programs) -> Self {
        Self { programs, ..Self::default() }
    }

    fn exec(&mut self, handle: u32) -> &mut Exec {
        self.execs.get_mut(&handle).expect("the pallet uses live executions only")
    }

    fn find(&self, code: &[u8]) -> Option<Program> {
        self.programs.lock().expect("no panic with programs locked").get(code).cloned()
    }
}

impl GuestVmHost for ScriptedVm {
    fn validate(&mut self, code: &[u8], report: &mut Report) -> i32 {
        match self.find(code) {
            Some(program) => {
                *report = program.report;
                codes::VALIDATE_OK
            }
            None => {
                *report = Report { reason: 20, function: 3, offset: 0x1f, ..Report::default() };
                codes::VALIDATE_REJECTED
            }
        }
    }

    fn load(&mut self, stored: Option<&[u8]>, report: &mut Report) -> i64 {
        let Some(stored) = stored else { return codes::LOAD_NOT_FOUND };
        let code = Vec::<u8>::decode(&mut &stored[..]).expect("code is stored with its length");
        let program = self.find(&code).expect("stored code is a program");
        if program.is_invalid {
            *report = Report { reason: 77, function: u32::MAX, offset: u32::MAX, ..Report::default() };
            return codes::LOAD_INVALID;
        }
        *report = program.report;
        self.modules.push(program);
        self.modules.len() as i64 - 1
    }

    fn instantiate(&mut self, module: u32, entry: u32) -> i64 {
        if self.execs.len() >= codes::MAX_LIVE_EXECUTIONS as usize {
            return codes::INSTANTIATE_TOO_MANY;
        }
        let entry = [Entry::Deploy, Entry::Call][entry as usize];
        let exec = Exec::start(self.modules[module as usize].body.clone(), entry);
        let handle = self.started;
        self.started += 1;
        self.execs.insert(handle, exec);
        handle.into()
    }

    fn run(&mut self, exec: u32, gas: i64, answer: i64, step: &mut Step) -> i32 {
        let exec = self.exec(exec);
        exec.answers.as_ref().expect("live").send((gas, answer)).expect("the script waits");
        let (act, gas_left) = exec.acts.recv().expect("the script acts");
        *step = Step { gas_left, mem_bytes: MEM_BYTES, ..Step::default() };
        match act {
            Act::Finish => codes::RUN_FINISHED,
            Act::OutOfGas => codes::RUN_OUT_OF_GAS,
            Act::Trap(class) => {
                exec.trapped = true;
                step.trap_class = class as u32;
                codes::RUN_TRAPPED
            }
            Act::Panic(payload) => resume_unwind(payload),
            Act::Call { id, args } => {
                assert!(args.len() <= MAX_ARGUMENTS);
                step.id = id;
                step.nargs = args.len() as u32;
                step.args[..args.len()].copy_from_slice(&args);
                codes::RUN_SYSCALL
            }
        }
    }

    fn read(&mut self, exec: u32, at: u32, dest: &mut [u8]) -> i32 {
        let memory = self.exec(exec).memory.lock().expect("unlocked");
        let Some(range) = memory.get(at as usize..at as usize + dest.len()) else {
            return codes::ACCESS_OUT_OF_BOUNDS;
        };
        dest.copy_from_slice(range);
        codes::ACCESS_OK
    }

    fn write(&mut self, exec: u32, at: u32, src: &[u8]) -> i32 {
        let mut memory = self.exec(exec).memory.lock().expect("unlocked");
        let Some(range) = memory.get_mut(at as usize..at as usize + src.len()) else {
            return codes::ACCESS_OUT_OF_BOUNDS;
        };
        range.copy_from_slice(src);
        codes::ACCESS_OK
    }

    fn drop(&mut self, exec: u32) {
        self.execs.remove(&exec).expect("an execution is dropped once");
    }

    fn explain(&mut self, exec: u32, dest: &mut [u8]) -> u32 {
        if exec != codes::EXPLAIN_REFUSAL && !self.exec(exec).trapped {
            return 0;
        }
        let text = if exec == codes::EXPLAIN_REFUSAL { "no such program" } else { "in function 7" };
        dest[..text.len()].copy_from_slice(text.as_bytes());
        text.len() as u32
    }
}
