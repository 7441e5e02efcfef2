//go:build !unix

package main

import (
	"errors"
	"os"
)

// Processes cannot be frozen here, so chaos needs another system; the rest of the module still builds.
func term(*os.Process) error   { return errors.ErrUnsupported }
func freeze(*os.Process) error { return errors.ErrUnsupported }
func thaw(*os.Process) error   { return errors.ErrUnsupported }
