// Package core holds Atelier's vocabulary and its ports.
//
// Everything here is plain data or a small interface; the package and its sub-packages import the standard library
// only. Adapters and stores import core, never the other way round. The words are those of docs/architecture.md:
// a person has identities and accounts, a project has rooms and tasks, a task has versions, comments and one thread
// per room.
package core
