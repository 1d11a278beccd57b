package main

import (
	"encoding/binary"
	"fmt"

	"github.com/sepia-chain/sepia/runtime/meter/metertest"
	"github.com/sepia-chain/sepia/runtime/vm"
	"github.com/sepia-chain/sepia/runtime/wasm"
	"github.com/sepia-chain/sepia/test/solo"
)

// guestKey is where the code of the idle guest is.
var guestKey = []byte("calibrate: the code of a guest")

// idleGuestPages is the memory of the idle guest: what ink! contracts begin with.
const idleGuestPages = 2

// idleGuest is a contract that asks for the minimum balance for ever.
func idleGuest() []byte {
	entry := metertest.Types("", "")
	code := metertest.Asm(wasm.OpLoop, noBlock, wasm.OpI32Const, 0, wasm.OpI32Const, 16, wasm.OpCall, uint32(0), wasm.OpBr, uint32(0), wasm.OpEnd)
	return (&metertest.Builder{
		MemoryMin: idleGuestPages, MemoryMax: idleGuestPages,
		Imports: []metertest.Import{{Module: "seal0", Name: "minimum_balance", Type: metertest.Types("ii", "")}},
		Funcs:   []metertest.Func{{Type: entry, Export: "call", Code: code}, {Type: entry, Export: "deploy"}},
	}).Bytes()
}

// guestCases call the guest VM as the contracts pallet does.
func guestCases() ([]hostCase, error) {
	const guestGas, entryCall = 1 << 40, 1
	memory := idleGuestPages * wasm.PageSize
	load := func(s *script) { s.call("guest_vm_load", s.fat(guestKey), s.put(make([]byte, vm.ReportBytes))) }
	start := func(s *script) {
		load(s)
		s.call("guest_vm_instantiate", number(0), number(entryCall))
	}
	run := func(s *script, handle int) {
		s.call("guest_vm_run", number(uint64(handle)), number(guestGas), number(0), s.put(make([]byte, vm.StepBytes)))
	}
	cases := []hostCase{
		{price: "guest load", label: "known code", times: some, bytes: len(guestKey) + len(idleGuest()), step: func(s *script, _ int) { load(s) }},
		{price: "guest run", label: "a round trip", times: some, setup: func(s *script) { start(s); run(s, 0) }, step: func(s *script, _ int) { run(s, 0) }},
		{price: "guest life", label: "instantiate, run, drop", times: some, bytes: memory, setup: load,
			step: func(s *script, i int) {
				handle := i % some // executions are counted from 0 in each call
				s.call("guest_vm_instantiate", number(0), number(entryCall))
				run(s, handle)
				s.call("guest_vm_drop", number(uint64(handle)))
			}},
	}
	for _, length := range []int{16, 32 << 10} {
		var buffer argument
		access := func(name string) hostCase {
			return hostCase{
				price: "guest access", label: fmt.Sprintf("%s %d B", name, length), times: timesFor(length), bytes: length,
				setup: func(s *script) { start(s); run(s, 0); buffer = s.fat(make([]byte, length)) },
				step:  func(s *script, _ int) { s.call("guest_vm_"+name, number(0), number(0), buffer) },
			}
		}
		cases = append(cases, access("read"), access("write"))
	}
	for _, name := range []string{"flipper", "erc20"} {
		contract, err := solo.ReadContract(name)
		if err != nil {
			return nil, err
		}
		cases = append(cases, hostCase{
			price: "guest validate", label: fmt.Sprintf("%s, %d B, never seen", name, len(contract.Code)), times: 2 * rarely, bytes: len(contract.Code),
			step: func(s *script, i int) {
				s.call("guest_vm_validate", s.fat(renamed(contract.Code, name, i)), s.put(make([]byte, vm.ReportBytes)))
			},
		})
	}
	return cases, nil
}

// renamed is the same code under another hash: a custom section more.
func renamed(code []byte, name string, i int) []byte {
	content := binary.LittleEndian.AppendUint64(wasm.AppendName(nil, name), uint64(i))
	return wasm.AppendSection(append([]byte(nil), code...), wasm.SectionCustom, content)
}
