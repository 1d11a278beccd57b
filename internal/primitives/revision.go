package primitives

// Revision names what a storage holds at a moment: two equal revisions of storages mean equal contents, whatever storages they
// came from. The zero value names nothing and equals no revision.
type Revision struct {
	storage *byte // one for each storage; only its address means something
	changes uint64
}

// NewRevision is the first revision of a new storage.
func NewRevision() Revision { return Revision{storage: new(byte)} }

// Next is the revision after a change. Rolling changes back is a change too.
func (r Revision) Next() Revision { return Revision{storage: r.storage, changes: r.changes + 1} }

// Same says whether both name one content.
func (r Revision) Same(as Revision) bool { return r.storage != nil && r == as }
