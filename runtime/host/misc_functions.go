package host

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// LogLevel is the severity of a line that the blob logs. The numbers are those of the host interface.
type LogLevel uint8

// The levels.
const (
	LogError LogLevel = iota
	LogWarn
	LogInfo
	LogDebug
	LogTrace
)

// LogSink receives what a blob logs. It cannot influence the call.
type LogSink func(level LogLevel, target, message string)

// maxLogLevel is what every node tells the blob about its log level, as a LevelFilter (0 off, 1 error, 2 warn, ...). It is
// a constant because formatting a line costs gas, and gas is consensus.
const maxLogLevel = 2

// printTarget is where the ext_misc_print_* functions log.
const printTarget = "runtime"

func (c *call) emit(level LogLevel, target, message string) {
	if c.log != nil {
		c.log(level, target, message)
	}
}

func loggingLog(c *call, a []uint64) (uint64, error) {
	level := LogLevel(a[0])
	if uint32(a[0]) > uint32(LogTrace) {
		return 0, faultf("log level %d does not exist", uint32(a[0]))
	}
	target, err := c.text(a[1])
	if err != nil {
		return 0, err
	}
	message, err := c.input(a[2])
	if err != nil || !utf8.Valid(message) {
		return 0, err
	}
	if level == LogError {
		c.remember(string(message))
	}
	c.emit(level, target, string(message))
	return 0, nil
}

func loggingMaxLevel(*call, []uint64) (uint64, error) { return maxLogLevel, nil }

func abortOnPanic(c *call, a []uint64) (uint64, error) {
	message, err := c.text(a[0])
	if err != nil {
		return 0, err
	}
	c.remember(message)
	c.emit(LogError, printTarget, message)
	return 0, faultf("the blob panicked")
}

func printNumber(c *call, a []uint64) (uint64, error) {
	c.emit(LogDebug, printTarget, strconv.FormatUint(a[0], 10))
	return 0, nil
}

func printText(c *call, a []uint64) (uint64, error) {
	b, err := c.input(a[0])
	if err == nil && utf8.Valid(b) {
		c.emit(LogDebug, printTarget, string(b))
	}
	return 0, err
}

func printHex(c *call, a []uint64) (uint64, error) {
	b, err := c.input(a[0])
	if err == nil && c.log != nil {
		c.emit(LogDebug, printTarget, hex.EncodeToString(b))
	}
	return 0, err
}

// runtimeVersion returns a SCALE Option<Vec<u8>>: the encoded version of the code given, read from its custom sections.
// Nothing is ever run for it; code without the sections gives None.
func runtimeVersion(c *call, a []uint64) (uint64, error) {
	code, err := c.input(a[0])
	if err != nil {
		return 0, err
	}
	if isCompressed(code) {
		if err := c.keys(1); err != nil {
			return 0, err
		}
	}
	version, err := VersionOf(code)
	if err != nil {
		c.emit(LogDebug, printTarget, fmt.Sprintf("cannot read the version of the given code: %v", err))
		return c.optionBytes(nil, false)
	}
	return c.optionBytes(version.Encode(), true)
}

// nothing is a function without effect or result.
func nothing(*call, []uint64) (uint64, error) { return 0, nil }
