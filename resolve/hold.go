package resolve

// Hold lets nobody else set or delete anything through the index until do returns. It tells do of every secret that
// exists, in all projects and in a fixed order; what is pending is not settled first, see [Index.Reconcile].
func (x *Index) Hold(do func(all []Ref, pending bool) error) error {
	return x.exclusively(func() error {
		f, err := x.load()
		if err != nil {
			return err
		}
		c, err := x.loadChange()
		if err != nil {
			return err
		}
		return do(f.all(), len(f.pending()) > 0 || len(c.Steps) > 0)
	})
}
