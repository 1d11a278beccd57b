package crashfs

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func exists(fs vfs.FS, name string) bool {
	_, err := fs.Stat(name)
	return err == nil
}

func TestFS_LosesWhatWasNotSynced(t *testing.T) {
	fs := New(1)
	fs.Note(func() any { return "here" })
	for write := range 20 {
		fs.CrashBefore(write, 0, 100)
	}
	f, err := fs.Create("a", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := fs.OpenDir("")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { _, err := f.Write([]byte("x")); return err }, f.Sync, dir.Sync,
		func() error { _, err := f.Write([]byte("y")); return err }, f.Sync, dir.Sync,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	crashes := fs.Crashes()
	if len(crashes) != 2*fs.Writes() || fs.Writes() != 7 {
		t.Fatalf("%d crashes of %d writes, want two each of 7", len(crashes), fs.Writes())
	}
	for _, c := range crashes {
		if c.Note != "here" {
			t.Errorf("note %v", c.Note)
		}
		there := exists(c.FS, "a")
		if want := c.KeepPercent == 100 && c.Write > 0 || c.Write > 3; there != want {
			t.Errorf("crash before write %d keeping %d %%: file there %v, want %v", c.Write, c.KeepPercent, there, want)
			continue
		}
		if !there {
			continue
		}
		info, err := c.FS.Stat("a")
		if err != nil {
			t.Fatal(err)
		}
		want := int64(1)
		switch {
		case c.KeepPercent == 100 && c.Write == 1:
			want = 0
		case c.KeepPercent == 100 && c.Write > 4 || c.Write > 5:
			want = 2
		}
		if info.Size() != want {
			t.Errorf("crash before write %d keeping %d %%: %d bytes, want %d", c.Write, c.KeepPercent, info.Size(), want)
		}
	}
}

// Pebble reuses a log while a compaction writes a table: a crash before that write hung the run of 500 crash points, one time in
// some. Without the mend this test hangs too.
func TestReuseForWrite_DuringCrashesOfAnotherWriter(t *testing.T) {
	const rounds = 20_000
	f := New(1)
	file, err := f.Create("table", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	log, err := f.Create("log0", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	names := [2]string{"log0", "log1"}
	for write := range 2 * rounds {
		f.CrashBefore(write, 0)
	}
	ended := make(chan error)
	go func() {
		var err error
		for i := 0; i < rounds && err == nil; i++ {
			_, err = file.Write([]byte{1})
		}
		ended <- err
	}()
	for i := range rounds {
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		if log, err = f.ReuseForWrite(names[i%2], names[(i+1)%2], vfs.WriteCategoryUnspecified); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if _, err := log.Write([]byte("again")); err != nil {
		t.Fatal(err)
	}
}
