package wasm

import (
	"errors"
	"runtime"
	"testing"
)

func FuzzDecode(f *testing.F) {
	f.Add(validSketch().bytes(f))
	f.Add([]byte(header))
	s := validSketch()
	s.start, s.dataCount = "01", "01"
	f.Add(s.bytes(f))
	f.Add(withBody(f, "01 02 7e", "03 40 20 00 0d 00 0b 20 00 20 00 0e 01 00 00"))
	policy := testPolicy(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		_, decodeErr := Decode(b)
		m, report, err := Validate(b, policy)
		if (err == nil) != (report.Reason == OK) || (err == nil) != (m != nil) {
			t.Fatalf("module %v, report %+v, error %v", m, report, err)
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Text == "" || codes[e.Reason].name == "") {
			t.Fatalf("error without reason or text: %#v", err)
		}
		if err == nil && decodeErr != nil {
			t.Fatalf("accepted, though decoding says %v", decodeErr)
		}
		if _, _, err := Validate(b, BlobPolicy(64, nil)); err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
		CustomSection(b, "name")
	})
}

// Memory is bounded by the input's size however large the counts in it are.
func TestDecode_AllocatesLittleForLyingCounts(t *testing.T) {
	const most = 1 << 20
	for name, edit := range map[string]func(*sketch){
		"types":     func(s *sketch) { s.types = "ff ff ff ff 0f 600000" },
		"imports":   func(s *sketch) { s.imports = "ff ff ff ff 0f" },
		"functions": func(s *sketch) { s.functions = "ff ff ff ff 0f 00 00" },
		"globals":   func(s *sketch) { s.globals = "ff ff ff ff 0f 7f 00 41 05 0b" },
		"exports":   func(s *sketch) { s.exports = "ff ff ff ff 0f 00 00 00" },
		"elements":  func(s *sketch) { s.elements = "01 00 41 00 0b ff ff ff ff 0f 00" },
		"bodies":    func(s *sketch) { s.code = "ff ff ff ff 0f 02 00 0b" },
		"locals":    func(s *sketch) { s.code = "03 02 00 0b  02 00 0b  0a 01 ff ff ff ff 0f 7f 20 00 0b" },
		"targets":   func(s *sketch) { s.code = "03 02 00 0b  02 00 0b  0b 00 20 00 0e ff ff ff ff 0f 00 0b" },
		"data":      func(s *sketch) { s.data = "ff ff ff ff 0f 00 41 08 0b 02 aa bb" },
	} {
		t.Run(name, func(t *testing.T) {
			code := change(t, edit)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := Validate(code, testPolicy(t))
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("accepted")
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > most {
				t.Errorf("%d bytes allocated for %d bytes of input", used, len(code))
			}
		})
	}
}

func TestCodes_NamesAreUniqueAndStable(t *testing.T) {
	seen := map[string]Code{}
	for code, info := range codes {
		if other, dup := seen[info.name]; dup || info.name == "" || code != OK && info.remedy == "" {
			t.Errorf("code %d: name %q also of %d, remedy %q", code, info.name, other, info.remedy)
		}
		seen[info.name] = code
	}
	for code, name := range map[Code]string{0: "ok", 1: "too-large", 10: "type-mismatch", 20: "float", 31: "mutable-global", 40: "import-unknown", 51: "segment-bounds", 60: "limit-functions", 77: "limit-score"} {
		if code.String() != name {
			t.Errorf("code %d is %s, want %s", code, code, name)
		}
	}
	if got := Code(999).String(); got != "code-999" {
		t.Error(got)
	}
}
