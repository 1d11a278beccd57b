package engine

import (
	"bytes"
	"errors"
	"testing"
)

// Bytes that are no guest code are a fault of the node, never a crash: files of an older node may hold them.
func TestLoadGuest_RefusesOtherBytes(t *testing.T) {
	e := newEngine(t)
	good, err := e.guest.compileGuest(loopModule(1), LevelNone)
	if err != nil {
		t.Fatal(err)
	}
	links, machineCode, err := readGuestCode(good)
	if err != nil || len(links.imports) != 1 || !bytes.Equal(links.appendCode(machineCode), good) {
		t.Fatalf("%+v, %v: writing what was read gives other bytes", links, err)
	}
	head := len(good) - len(machineCode)
	for name, code := range map[string][]byte{
		"nothing": nil, "no machine code": good[:head], "half of the links": good[:head/2], "half of the code": good[:head+len(machineCode)/2],
		"text": []byte("no code, but words"), "the code of a blob's tier, without links": machineCode,
	} {
		g, err := e.LoadGuest(code, []GuestImport{{ID: 1}})
		if !errors.Is(err, ErrFault) && (err == nil || err.Error() != "the module has 0 imports, not 1") {
			t.Errorf("%s: %v, %v", name, g, err)
		}
	}
	if _, err := e.LoadGuest(good, nil); err == nil || err.Error() != "the module has 1 imports, not 0" {
		t.Errorf("too few ids: %v", err)
	}
}
