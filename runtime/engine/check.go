package engine

import (
	"encoding/hex"
	"fmt"
)

// check runs the known answers through the real path of each tier at each compile level. A wrong answer is a fault of the
// library on this machine: a node that went on would leave the chain at the first contract that meets it.
func (e *Engine) check() error {
	if err := checkDigests(); err != nil {
		return err
	}
	module := answerModule()
	for _, level := range levels {
		if err := e.checkBlob(module, level); err != nil {
			return err
		}
		if err := e.checkGuest(module, level); err != nil {
			return err
		}
		if err := e.checkTraps(level); err != nil {
			return err
		}
	}
	return nil
}

// The digests of "abc", from the publications of the functions.
var knownDigests = []struct {
	name string
	f    NativeFunc
	want string
}{
	{"blake2_128", NativeBlake2128, "cf4ab791c62b8d2b2109c90275287816"},
	{"blake2_256", NativeBlake2256, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"},
	{"twox_64", NativeTwox64, "990977adf52cbc44"},
	{"keccak_256", NativeKeccak256, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"},
	{"keccak_512", NativeKeccak512, "18587dc2ea106b9a1563e32b3312421ca164c7f1f07bc922a9c83d77cea3a1e5d0c69910739025372dc14ac9642629379540c17e2a65b19d77aa511a9d00bb96"},
	{"sha2_256", NativeSha2256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
}

func checkDigests() error {
	for _, k := range knownDigests {
		if got := hex.EncodeToString(k.f.digest([]byte("abc"))); got != k.want {
			return fault("known answers", fmt.Sprintf("%s of abc is %s, not %s", k.name, got, k.want))
		}
	}
	return nil
}

const checkGas = 1 << 40 // far more than the module's own charges, which are none

func (e *Engine) checkBlob(module []byte, level Level) error {
	b, err := e.CompileBlob(module, nil, BlobOptions{Level: level})
	if err != nil {
		return err
	}
	defer b.Close()
	in, err := b.Instantiate()
	if err != nil {
		return err
	}
	defer in.Close()
	got, err := in.Call("answers", nil, checkGas, nil)
	if err != nil {
		return fmt.Errorf("%w: known answers of a blob at level %v: %w", ErrFault, level, err)
	}
	return compareAnswers(got.Output, "blob", level)
}

func (e *Engine) checkGuest(module []byte, level Level) error {
	g, err := e.CompileGuest(module, nil, GuestOptions{Level: level})
	if err != nil {
		return err
	}
	defer g.Close()
	x, err := g.Instantiate("call")
	if err != nil {
		return err
	}
	defer x.Drop()
	step, err := x.Run(checkGas, 0)
	if err != nil {
		return err
	}
	got := make([]byte, 8*len(answers))
	if step.Kind != StepFinished || !x.Read(answersAt, got) {
		return fault("known answers", fmt.Sprintf("a guest at level %v ended with %+v", level, step))
	}
	return compareAnswers(got, "guest", level)
}

func compareAnswers(got []byte, tier string, level Level) error {
	for i, a := range answers {
		if v := word(got[8*i:]); v != a.want {
			return fault("known answers", fmt.Sprintf("%s of a %s at level %v is %#x, not %#x", a.name, tier, level, v, a.want))
		}
	}
	return nil
}

// checkTraps runs code that must trap, as a guest.
func (e *Engine) checkTraps(level Level) error {
	for _, k := range knownTraps {
		g, err := e.CompileGuest(trapModule(k.code), nil, GuestOptions{Level: level})
		if err != nil {
			return err
		}
		step, err := runOnce(g)
		g.Close()
		if err != nil {
			return err
		}
		if step.Kind != StepTrapped || step.Trap != k.want {
			return fault("known answers", fmt.Sprintf("%s at level %v ended with kind %d, %v, not %v", k.name, level, step.Kind, step.Trap, k.want))
		}
	}
	return nil
}

func runOnce(g *Guest) (Step, error) {
	x, err := g.Instantiate("call")
	if err != nil {
		return Step{}, err
	}
	defer x.Drop()
	return x.Run(checkGas, 0)
}
