package host

// child reads the identity of a child tree: its location without the prefix.
func (c *call) child(idFat uint64) (ChildStorage, error) {
	id, err := c.input(idFat)
	if err != nil {
		return nil, err
	}
	return c.storage.Child(id), nil
}

func childGet(c *call, a []uint64) (uint64, error) {
	child, err := c.child(a[0])
	if err != nil {
		return 0, err
	}
	value, found, err := c.get(child, a[1])
	if err != nil {
		return 0, err
	}
	return c.optionBytes(value, found)
}

func childRead(c *call, a []uint64) (uint64, error) {
	child, err := c.child(a[0])
	if err != nil {
		return 0, err
	}
	return c.readInto(child, a[1], a[2], a[3])
}

func childExists(c *call, a []uint64) (uint64, error) {
	child, err := c.child(a[0])
	if err != nil {
		return 0, err
	}
	_, found, err := c.get(child, a[1])
	return boolean(found), err
}

func childNextKey(c *call, a []uint64) (uint64, error) {
	child, err := c.child(a[0])
	if err != nil {
		return 0, err
	}
	return c.nextKey(child, a[1])
}

func childSet(c *call, a []uint64) (uint64, error) {
	child, err := c.child(a[0])
	if err != nil {
		return 0, err
	}
	key, err := c.input(a[1])
	if err != nil {
		return 0, err
	}
	value, err := c.input(a[2])
	if err != nil {
		return 0, err
	}
	if err := child.Set(key, value); err != nil {
		return 0, storageError("writing child storage", err)
	}
	return 0, nil
}

func childClear(c *call, a []uint64) (uint64, error) {
	child, err := c.child(a[0])
	if err != nil {
		return 0, err
	}
	key, err := c.input(a[1])
	if err != nil {
		return 0, err
	}
	if err := child.Clear(key); err != nil {
		return 0, storageError("clearing child storage", err)
	}
	return 0, nil
}

func (c *call) removeChildPrefix(idFat, prefixFat uint64, limit *uint32) (Removal, error) {
	child, err := c.child(idFat)
	if err != nil {
		return Removal{}, err
	}
	prefix, err := c.input(prefixFat)
	if err != nil {
		return Removal{}, err
	}
	return c.remove(limit, func(limit *uint32) (Removal, error) { return child.ClearPrefix(prefix, limit) })
}

func childClearPrefixV1(c *call, a []uint64) (uint64, error) {
	_, err := c.removeChildPrefix(a[0], a[1], nil)
	return 0, err
}

func childClearPrefixV2(c *call, a []uint64) (uint64, error) {
	limit, err := c.optionalLimit(a[2])
	if err != nil {
		return 0, err
	}
	removal, err := c.removeChildPrefix(a[0], a[1], limit)
	if err != nil {
		return 0, err
	}
	return c.killResult(removal)
}

func (c *call) kill(idFat uint64, limit *uint32) (Removal, error) {
	child, err := c.child(idFat)
	if err != nil {
		return Removal{}, err
	}
	return c.remove(limit, child.Kill)
}

func childKillV1(c *call, a []uint64) (uint64, error) {
	_, err := c.kill(a[0], nil)
	return 0, err
}

func childKillV2(c *call, a []uint64) (uint64, error) {
	limit, err := c.optionalLimit(a[1])
	if err != nil {
		return 0, err
	}
	removal, err := c.kill(a[0], limit)
	return boolean(removal.AllRemoved), err
}

func childKillV3(c *call, a []uint64) (uint64, error) {
	limit, err := c.optionalLimit(a[1])
	if err != nil {
		return 0, err
	}
	removal, err := c.kill(a[0], limit)
	if err != nil {
		return 0, err
	}
	return c.killResult(removal)
}

// payForAll walks a child tree and charges for each of its keys and all of its bytes: its root is a hash over them, and a
// Storage computes it in one go, too late to stop.
func (c *call) payForAll(child ChildStorage) error {
	key, found := []byte(nil), false
	value, found, err := child.Get(nil) // the empty key comes before every other, and after none
	for err == nil {
		if found {
			if err := c.keys(1); err != nil {
				return err
			}
			if err := c.bytes(len(key) + len(value)); err != nil {
				return err
			}
		}
		if key, found, err = child.NextKey(key); err != nil || !found {
			break
		}
		key = append([]byte(nil), key...)
		value, found, err = child.Get(key)
	}
	if err != nil {
		return storageError("walking a child tree", err)
	}
	return nil
}

func childRootV1(c *call, a []uint64) (uint64, error) {
	child, err := c.child(a[0])
	if err != nil {
		return 0, err
	}
	if err := c.payForAll(child); err != nil {
		return 0, err
	}
	root, err := child.Root()
	if err != nil {
		return 0, storageError("computing a child root", err)
	}
	return c.machine.Return(root[:])
}

func childRootV2(c *call, a []uint64) (uint64, error) {
	if _, err := layout(a[1]); err != nil {
		return 0, err
	}
	return childRootV1(c, a)
}
