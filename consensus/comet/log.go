package comet

import (
	"context"
	"fmt"
	"log/slog"

	cmtlog "github.com/cometbft/cometbft/libs/log"
)

// logger is CometBFT's log interface over slog. CometBFT tells of every step at its level info; here that is debug.
type logger struct{ slog *slog.Logger }

// newLogger bridges CometBFT's log to l.
func newLogger(l *slog.Logger) cmtlog.Logger { return logger{l.With("module", "cometbft")} }

func (l logger) Debug(msg string, keyvals ...any) { l.log(slog.LevelDebug-1, msg, keyvals) }
func (l logger) Info(msg string, keyvals ...any)  { l.log(slog.LevelDebug, msg, keyvals) }
func (l logger) Warn(msg string, keyvals ...any)  { l.log(slog.LevelWarn, msg, keyvals) }
func (l logger) Error(msg string, keyvals ...any) { l.log(slog.LevelError, msg, keyvals) }

func (l logger) With(keyvals ...any) cmtlog.Logger {
	return logger{slog.New(l.slog.Handler().WithAttrs(attributes(keyvals)))}
}

func (l logger) log(level slog.Level, msg string, keyvals []any) {
	ctx := context.Background()
	if !l.slog.Enabled(ctx, level) {
		return // CometBFT formats lazily: what nobody reads is never made
	}
	l.slog.LogAttrs(ctx, level, msg, attributes(keyvals)...)
}

// attributes pairs names and values. Lazy values (fmt.Stringer) become text here.
func attributes(keyvals []any) []slog.Attr {
	attrs := make([]slog.Attr, 0, (len(keyvals)+1)/2)
	for i := 0; i < len(keyvals); i += 2 {
		name := fmt.Sprint(keyvals[i])
		if i+1 == len(keyvals) {
			return append(attrs, slog.String(name, "missing"))
		}
		attrs = append(attrs, slog.Any(name, shown(keyvals[i+1])))
	}
	return attrs
}

func shown(value any) any {
	switch v := value.(type) {
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	case []byte:
		return fmt.Sprintf("%X", v)
	}
	return value
}
