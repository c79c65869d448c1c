// Package record tries whether the record loses anything when Seawall is
// killed, the power goes, or the disk is full or read-only: with the real
// program, under load, on file systems of its own. What was handed on is
// counted by the clients, outside of everything that dies.
package record
