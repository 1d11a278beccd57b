package engine

import (
	"container/list"
	"slices"
	"time"
)

// fileOrder knows the files of a cache by their last use and says which to give up when they exceed the limit.
type fileOrder struct {
	limit, bytes int64
	byName       map[string]*list.Element // of fileUse
	recent       *list.List               // most recently used first
}

type fileUse struct {
	name string
	size int64
	last time.Time
}

func newFileOrder(limit int64) fileOrder {
	return fileOrder{limit: limit, byName: map[string]*list.Element{}, recent: list.New()}
}

// fill notes files that were there before, and returns those to delete.
func (o *fileOrder) fill(found []fileUse) (old []string) {
	slices.SortFunc(found, func(a, b fileUse) int { return a.last.Compare(b.last) })
	for _, file := range found {
		old = append(old, o.use(file.name, file.size)...)
	}
	return old
}

// use notes that a file was written or read just now, and returns those to delete. A file larger than the limit goes too.
func (o *fileOrder) use(name string, size int64) (old []string) {
	o.forget(name)
	o.byName[name] = o.recent.PushFront(fileUse{name: name, size: size})
	o.bytes += size
	for o.bytes > o.limit {
		oldest := o.recent.Back().Value.(fileUse).name
		o.forget(oldest)
		old = append(old, oldest)
	}
	return old
}

func (o *fileOrder) forget(name string) {
	element := o.byName[name]
	if element == nil {
		return
	}
	o.bytes -= o.recent.Remove(element).(fileUse).size
	delete(o.byName, name)
}
