package engine

func (e *Engine) check() error { return nil }
