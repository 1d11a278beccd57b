package tree

import (
	"runtime"
	"sort"
	"sync"
)

// forkChanges is the least number of changes that is split over two goroutines: below it the two locks and the wake-up
// cost more than the 1 microsecond per change that is saved.
const forkChanges = 128

// maxWorkers bounds the goroutines of one update. It is a power of two, as the work is halved at each level.
const maxWorkers = 4

// workers is the largest power of two that neither maxWorkers nor the processors exceed. It decides which slots nodes
// get, never what they hash to.
func workers() int {
	n := 1
	for n < maxWorkers && 2*n <= runtime.GOMAXPROCS(0) {
		n *= 2
	}
	return n
}

// writer applies changes to one part of the tree, on slots of its own.
type writer struct {
	loan     loan
	replaced []ref // base nodes that the result no longer reaches
	added    int   // leaves inserted minus leaves deleted
}

func (w *writer) reset() {
	w.loan.recycle()
	w.replaced = w.replaced[:0]
	w.added = 0
}

// fork is update over several writers, one for each half of an inner node.
func fork(writers []writer, at child, depth int, changes []Change) child {
	w := &writers[0]
	if len(writers) == 1 || len(changes) < forkChanges || at.ref == 0 || at.ref&leafBit != 0 {
		return w.update(at, depth, changes)
	}
	old := w.loan.arena.inners.at(at.ref)
	left, right := child{old.left, old.leftHash}, child{old.right, old.rightHash}
	middle, half := split(changes, depth), len(writers)/2
	var newRight child
	var done sync.WaitGroup
	done.Go(func() { newRight = fork(writers[half:], right, depth+1, changes[middle:]) })
	newLeft := fork(writers[:half], left, depth+1, changes[:middle])
	done.Wait()
	return w.replace(at, left, right, newLeft, newRight)
}

// split is the number of changes that go left at a depth.
func split(changes []Change, depth int) int {
	return sort.Search(len(changes), func(i int) bool { return bit(&changes[i].Path, depth) == 1 })
}

// update is the subtree at, whose root lies at depth, with the changes applied. What did not change comes back as it is.
func (w *writer) update(at child, depth int, changes []Change) child {
	if len(changes) == 0 {
		return at
	}
	var left, right child
	switch {
	case at.ref&leafBit != 0: // a leaf that will share its subtree slides down until it stands alone
		path := &w.loan.arena.leaves.at(at.ref &^ leafBit).path
		if len(changes) == 1 && (changes[0].Delete || changes[0].Path == *path) {
			return w.updateLeaf(at, *path, &changes[0])
		}
		left, right = at, child{}
		if bit(path, depth) == 1 {
			left, right = child{}, at
		}
	case at.ref == 0:
		if len(changes) == 1 {
			return w.insert(&changes[0])
		}
	default:
		old := w.loan.arena.inners.at(at.ref)
		left, right = child{old.left, old.leftHash}, child{old.right, old.rightHash}
	}
	middle := split(changes, depth)
	newLeft := w.update(left, depth+1, changes[:middle])
	newRight := w.update(right, depth+1, changes[middle:])
	return w.replace(at, left, right, newLeft, newRight)
}

// replace is the subtree at after its halves became newLeft and newRight.
func (w *writer) replace(at, left, right, newLeft, newRight child) child {
	if at.ref != 0 && newLeft == left && newRight == right {
		return at
	}
	if at.ref != 0 && at.ref&leafBit == 0 {
		w.replaced = append(w.replaced, at.ref)
	}
	return w.join(newLeft, newRight)
}

// join is the subtree over two halves. A leaf whose sibling is empty takes the place of their parent.
func (w *writer) join(left, right child) child {
	if left.ref == 0 && (right.ref == 0 || right.ref&leafBit != 0) {
		return right
	}
	if right.ref == 0 && left.ref&leafBit != 0 {
		return left
	}
	r := w.loan.newInner()
	*w.loan.arena.inners.at(r) = inner{left.ref, right.ref, left.hash, right.hash}
	return child{r, innerHash(&left.hash, &right.hash)}
}

// insert makes the leaf of a change where there was none.
func (w *writer) insert(c *Change) child {
	c.Outcome, c.Before = None, 0
	if c.Delete {
		return child{}
	}
	c.Outcome = Inserted
	w.added++
	return w.leaf(c)
}

func (w *writer) leaf(c *Change) child {
	r := w.loan.newLeaf()
	*w.loan.arena.leaves.at(r &^ leafBit) = leaf{c.Path, c.Version}
	return child{r, c.Leaf}
}

// updateLeaf applies the only change of a subtree that is the leaf at.
func (w *writer) updateLeaf(at child, path Hash, c *Change) child {
	c.Outcome, c.Before = None, 0
	if c.Path != path || !c.Delete && c.Leaf == at.hash {
		return at
	}
	c.Before = w.loan.arena.leaves.at(at.ref &^ leafBit).version
	w.replaced = append(w.replaced, at.ref)
	if c.Delete {
		c.Outcome = Deleted
		w.added--
		return child{}
	}
	c.Outcome = Changed
	return w.leaf(c)
}
