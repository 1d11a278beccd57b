package primitives

// Removal is what deleting all keys under a prefix did. The counts are those of Substrate's storage interface
// (MultiRemovalResults and KillStorageResult are made of them).
type Removal struct {
	Backend     uint32 // keys of the committed parent state that were visited, whether deleted already or not
	Unique      uint32 // distinct keys deleted, of the parent state and of the pending writes
	Loops       uint32 // keys looked at
	AllRemoved  bool   // nothing under the prefix is left
	NextPending []byte // where to go on, set when AllRemoved is false
}
