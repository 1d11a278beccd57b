package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/sepia-chain/sepia/internal/scale"
	"github.com/sepia-chain/sepia/runtime/engine"
	"github.com/sepia-chain/sepia/runtime/vm"
)

// machine is what host functions need of whatever runs the blob: an engine instance on chain, an interpreter off chain when
// a genesis is built.
type machine interface {
	// Charge takes gas before the work that it pays for. Its error ends the call.
	Charge(gas int64) error
	GasLeft() int64
	// Read is a view of the guest's memory, valid until the next allocation; it may be written to.
	Read(ptr, length uint32) ([]byte, error)
	// Alloc reserves memory with the blob's allocator.
	Alloc(size uint32) (uint32, error)
	// Return copies b into fresh memory and packs address and length.
	Return(b []byte) (uint64, error)
}

// faultf is an error that the blob caused. It ends the call; the node goes on.
func faultf(format string, args ...any) error {
	return &engine.HostTrap{Text: fmt.Sprintf(format, args...)}
}

// maxReasonBytes bounds the text kept of a blob's last error line: panics have a location and a sentence.
const maxReasonBytes = 4 << 10

// call is the state of one call into a blob, shared by all host functions that it makes.
type call struct {
	machine    machine
	storage    Storage
	log        LogSink
	entryDepth int    // storage transactions open when the call began; the blob cannot close those
	reason     string // the last line that the blob logged as an error, or its panic
	batch      batch
	signatures *Signatures // good ones that are known; nil checks each
	guests     *vm.Session // nil where the call has no guest VM
	price      *Price      // of the host function that is running
	scratch    []byte      // reused for results
}

// bytes charges for n bytes.
func (c *call) bytes(n int) error { return c.chargeTimes(c.price.PerByte, uint64(n)) }

// keys charges for n keys or items.
func (c *call) keys(n uint64) error { return c.chargeTimes(c.price.PerKey, n) }

func (c *call) chargeTimes(price, times uint64) error {
	if price == 0 || times == 0 {
		return nil
	}
	return c.machine.Charge(satMul(price, times))
}

// satMul multiplies, and gives the largest gas amount where the product does not fit.
func satMul(price, times uint64) int64 {
	if times > math.MaxInt64/price {
		return math.MaxInt64
	}
	return int64(price * times)
}

// input charges for and reads what a fat pointer (length above address) points to. The result is guest memory.
func (c *call) input(fat uint64) ([]byte, error) {
	length := uint32(fat >> 32)
	if err := c.bytes(int(length)); err != nil {
		return nil, err
	}
	return c.machine.Read(uint32(fat), length)
}

// fixed reads n bytes at an address, without charge: the base price covers it.
func (c *call) fixed(ptr uint64, n uint32) ([]byte, error) { return c.machine.Read(uint32(ptr), n) }

// text is input that must be UTF-8.
func (c *call) text(fat uint64) (string, error) {
	b, err := c.input(fat)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", faultf("a text argument is not UTF-8")
	}
	return string(b), nil
}

// optionalLimit reads a SCALE Option<u32>. Like Substrate's codec it ignores what follows.
func (c *call) optionalLimit(fat uint64) (*uint32, error) {
	b, err := c.input(fat)
	if err != nil {
		return nil, err
	}
	return decodeOptionalLimit(b)
}

func decodeOptionalLimit(b []byte) (*uint32, error) {
	d := scale.NewDecoder(b)
	if !d.Bool() {
		return nil, decodeFault("Option<u32>", d)
	}
	limit := d.U32()
	return &limit, decodeFault("Option<u32>", d)
}

func decodeFault(what string, d *scale.Decoder) error {
	if err := d.Err(); err != nil {
		return faultf("decoding argument %s: %v", what, err)
	}
	return nil
}

// pointer copies a result of fixed size into fresh guest memory and returns its address.
func (c *call) pointer(b []byte) (uint64, error) {
	fat, err := c.machine.Return(b)
	return fat & math.MaxUint32, err
}

// optionBytes returns a SCALE Option<Vec<u8>>. The caller has charged for the bytes.
func (c *call) optionBytes(value []byte, found bool) (uint64, error) {
	if !found {
		return c.machine.Return([]byte{0})
	}
	c.scratch = scale.AppendBytes(append(c.scratch[:0], 1), value)
	return c.machine.Return(c.scratch)
}

// optionU32 returns a SCALE Option<u32>.
func (c *call) optionU32(value uint32, found bool) (uint64, error) {
	if !found {
		return c.machine.Return([]byte{0})
	}
	c.scratch = binary.LittleEndian.AppendUint32(append(c.scratch[:0], 1), value)
	return c.machine.Return(c.scratch)
}

// storageError tells a blob's mistake from the node's.
func storageError(doing string, err error) error {
	if errors.Is(err, ErrNoTransaction) {
		return faultf("%s: %v", doing, ErrNoTransaction)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func boolean(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// remember keeps the last error line of the blob, which is the reason people need when a trap follows.
func (c *call) remember(message string) {
	if len(message) > maxReasonBytes {
		message = message[:maxReasonBytes]
		for !utf8.ValidString(message) {
			message = message[:len(message)-1]
		}
	}
	c.reason = message
}
