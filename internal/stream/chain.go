package stream

// Chain returns a rewriter that gives what first makes of a stream to second.
func Chain(first, second Rewriter) Rewriter { return &chain{first: first, second: second} }

type chain struct {
	first, second Rewriter
	between       []byte // keeps its memory from chunk to chunk
}

// Feed implements Rewriter.
func (c *chain) Feed(dst, chunk []byte) ([]byte, error) {
	var err error
	c.between, err = c.first.Feed(c.between[:0], chunk)
	return c.pass(dst, err)
}

// Flush implements Rewriter.
func (c *chain) Flush(dst []byte) ([]byte, error) {
	var err error
	c.between, err = c.first.Flush(c.between[:0])
	if dst, err = c.pass(dst, err); err != nil {
		return dst, err
	}
	return c.second.Flush(dst)
}

// pass gives second what came before err, which comes after what that gives.
func (c *chain) pass(dst []byte, err error) ([]byte, error) {
	dst, later := c.second.Feed(dst, c.between)
	clear(c.between) // values may have passed here
	if later != nil {
		return dst, later
	}
	return dst, err
}
