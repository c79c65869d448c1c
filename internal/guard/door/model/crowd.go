package model

import (
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// crowd counts the exchanges that are open. While there are many, of which nearly
// all wait for their provider, memory is worth more than time: garbage is
// collected sooner, and with it the half of a stack that an exchange needs only at
// its beginning (a waiting one keeps 8 kB of 16, once the collector has come by).
type crowd struct {
	open    atomic.Int64
	mu      sync.Mutex
	crowded bool
	usual   int                   // how much garbage there may be otherwise
	collect func(percent int) int // debug.SetGCPercent
}

// everyone is all who are here: there is one collector for a process.
var everyone = crowd{collect: debug.SetGCPercent}

const (
	manyOpen  = 128 // from so many exchanges on there is a crowd
	fewOpen   = 64  // down to so many
	crowdedGC = 25  // percent; measured with a thousand streams by `make bench`
)

func (c *crowd) enter() {
	if c.open.Add(1) == manyOpen {
		c.become(true)
	}
}

func (c *crowd) leave() {
	if c.open.Add(-1) == fewOpen {
		c.become(false)
	}
}

func (c *crowd) become(crowded bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.crowded == crowded {
		return
	}
	if c.crowded = crowded; crowded {
		c.usual = c.collect(crowdedGC)
	} else {
		c.collect(c.usual)
	}
}
