package host

import (
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/vm"
)

// guestRows are the guest VM as abi.json in package vm describes it.
var guestRows = []row{
	guest("validate", params(Fat, Ptr), U32, guestValidatePrice, guestValidate, "Checks code against the blob's rules and fills a Report; 0 or -1."),
	guest("load", params(Fat, Ptr), U64, guestLoadPrice, guestLoad, "Finds code under a key of the state: a module handle, -1 not found, -2 invalid."),
	guest("instantiate", params(U32, U32), U64, guestInstantiatePrice, guestInstantiate, "Makes an execution of a module that begins at an entry point: its handle, or -1 too many."),
	guest("run", params(U32, U64, U64, Ptr), U32, guestRunPrice, guestRun, "Goes on with an execution and fills a Step: 0 finished, 1 syscall, 2 out of gas, 3 trapped. Its gas is the call's too."),
	guest("read", params(U32, U32, Fat), U32, guestAccessPrice, guestRead, "Copies guest memory to the blob: 0, or -1 out of bounds."),
	guest("write", params(U32, U32, Fat), U32, guestAccessPrice, guestWrite, "Copies the blob's memory to a guest: 0, or -1 out of bounds."),
	guest("drop", params(U32), None, guestDropPrice, guestDrop, "Ends an execution in any state."),
	guest("explain", params(U32, Fat), U32, guestAccessPrice, guestExplain, "Words about a trap or about refused code, and their length; always 0 where the result can reach consensus."),
}

// guest is a row whose function works with the call's session. Calls that have none, those of blobs without rules for guests
// and those off chain, end there.
func guest(name string, p []Param, result Param, price Price, run guestFunction, doc string) row {
	withSession := func(c *call, a []uint64) (uint64, error) {
		if c.guests == nil {
			return 0, faultf("this call has no guest VM")
		}
		return run(c, c.guests, a)
	}
	return row{name: guestPrefix + name + "_version_1", params: p, result: result, price: price, run: withSession, doc: doc}
}

type guestFunction func(c *call, session *vm.Session, a []uint64) (uint64, error)

const guestPrefix = "ext_guest_vm_"

// The prices of the guest VM. What a guest does is priced by the blob's own table.
var (
	// Checking types and limits, and metering: 40 ns a byte. Compiling is paid by the score, which the blob charges.
	guestValidatePrice = Price{Base: 40 * microsecond, PerByte: 70 * nanosecond}
	// A read of the state, and a comparison of the code with the cache's copy.
	guestLoadPrice = Price{Base: 10 * microsecond, PerByte: 1 * nanosecond}
	// An instance from the pool takes 4 us; its memory is fresh pages, 2 us for each 4 KiB that is written to, all of which
	// it may write to.
	guestInstantiatePrice = Price{Base: 6 * microsecond, PerByte: 700}
	// A round trip to the guest's fiber takes 0.55 us, and the guest pays 0.25 us of that itself.
	guestRunPrice    = Price{Base: 450 * nanosecond}
	guestAccessPrice = Price{Base: 200 * nanosecond, PerByte: 100}
	// Dropping a suspended execution unwinds its fiber: 4 us, and more for deep stacks.
	guestDropPrice = Price{Base: 6 * microsecond}
)

// out returns n bytes of guest memory to be filled.
func (c *call) out(ptr uint64, n uint32) ([]byte, error) { return c.machine.Read(uint32(ptr), n) }

func guestValidate(c *call, session *vm.Session, a []uint64) (uint64, error) {
	out, err := c.out(a[1], vm.ReportBytes)
	if err != nil {
		return 0, err
	}
	code, err := c.input(a[0])
	if err != nil {
		return 0, err
	}
	answer, err := session.Validate(code, (*[vm.ReportBytes]byte)(out))
	return uint64(uint32(answer)), err
}

func guestLoad(c *call, session *vm.Session, a []uint64) (uint64, error) {
	out, err := c.out(a[1], vm.ReportBytes)
	if err != nil {
		return 0, err
	}
	key, err := c.input(a[0])
	if err != nil {
		return 0, err
	}
	handle, err := session.Load(key, (*[vm.ReportBytes]byte)(out), c.bytes)
	return uint64(handle), err
}

func guestInstantiate(c *call, session *vm.Session, a []uint64) (uint64, error) {
	handle, err := session.Instantiate(uint32(a[0]), uint32(a[1]), c.bytes)
	return uint64(handle), err
}

func guestRun(c *call, session *vm.Session, a []uint64) (uint64, error) {
	out, err := c.out(a[3], vm.StepBytes)
	if err != nil {
		return 0, err
	}
	step, used, err := session.Run(uint32(a[0]), int64(a[1]), int64(a[2]), c.machine.GasLeft())
	if err != nil {
		return 0, err
	}
	if err := c.machine.Charge(used); err != nil {
		return 0, err
	}
	vm.EncodeStep((*[vm.StepBytes]byte)(out), &step)
	return uint64(step.Kind), nil
}

func guestRead(c *call, session *vm.Session, a []uint64) (uint64, error) {
	return c.guestAccess(a, session.Read)
}

func guestWrite(c *call, session *vm.Session, a []uint64) (uint64, error) {
	return c.guestAccess(a, session.Write)
}

func (c *call) guestAccess(a []uint64, copyBytes func(exec, at uint32, b []byte) (int32, error)) (uint64, error) {
	b, err := c.input(a[2])
	if err != nil {
		return 0, err
	}
	answer, err := copyBytes(uint32(a[0]), uint32(a[1]), b)
	return uint64(uint32(answer)), err
}

func guestDrop(_ *call, session *vm.Session, a []uint64) (uint64, error) {
	return 0, session.Drop(uint32(a[0]))
}

func guestExplain(c *call, session *vm.Session, a []uint64) (uint64, error) {
	dst, err := c.input(a[1])
	if err != nil {
		return 0, err
	}
	length, err := session.Explain(uint32(a[0]), dst)
	return uint64(length), err
}

// The kinds of steps are the codes of run: a change of one would be a change of the interface.
var _ = [1]struct{}{}[engine.StepFinished|(engine.StepSyscall-1)|(engine.StepOutOfGas-2)|(engine.StepTrapped-3)]
