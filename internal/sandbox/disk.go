package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"latchkey/internal/fault"
)

// row is one record as it stands on disk. A nil value removes it.
type row struct {
	bucket string
	key    []byte
	value  []byte
}

// The buckets besides those that only recordKinds names.
const (
	bucketMeta     = "meta"     // "seed", "seeded", "starts", "clock", "format", "newest"
	bucketOrg      = "org"      // by number, the parent first
	bucketUser     = "user"     // by number
	bucketWallet   = "wallet"   // by number
	bucketAccount  = "account"  // by number
	bucketOTP      = "otp"      // by id
	bucketMessage  = "message"  // by number
	bucketActivity = "activity" // by organization and id; never read at start
	bucketPrint    = "print"    // organization and SHA-256 of the body, to the activity's id
)

// buckets lists them all.
func buckets() []string {
	names := []string{bucketMeta, bucketActivity, bucketPrint}
	for _, k := range recordKinds {
		names = append(names, k.bucket)
	}
	return names
}

// diskFormat is the version of what stands in the buckets. The old one had neither root users nor features, which settle
// makes up for.
const (
	diskFormat    = 2
	diskFormatOld = 1
)

// disk is the state folder. Changes are queued in the order in which they happened and written by whoever first waits
// for one of them, all that are queued in one transaction, so that many activities share one fsync. It is safe for
// parallel use.
type disk struct {
	db *bolt.DB

	queueMu sync.Mutex
	queue   []row
	queued  uint64 // the version of the newest row queued

	writeMu sync.Mutex // held while writing; whoever has it takes no other lock but queueMu
	written atomic.Uint64
}

// openDisk opens or makes the database of a folder, which one process at a time may use.
func openDisk(dir string) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	db, err := bolt.Open(filepath.Join(dir, "sandbox.db"), 0o600, &bolt.Options{Timeout: 2 * time.Second})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("state folder %q: %w", dir, fault.New(fault.SandboxBusy, errors.New("another sandbox uses it")))
	case err != nil:
		return nil, fmt.Errorf("state folder %q: %w", dir, err)
	}
	if err := allThere(db); err != nil {
		return nil, errors.Join(fmt.Errorf("state folder %q: %w", dir, err), db.Close())
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range buckets() {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("state folder %q: %w", dir, err), db.Close())
	}
	return &disk{db: db}, nil
}

// allThere reports whether the file has all the pages that it says it has. Reading one that is missing is not an error but
// a signal, which ends the program.
func allThere(db *bolt.DB) error {
	return db.View(func(tx *bolt.Tx) error {
		info, err := os.Stat(db.Path())
		if err == nil && info.Size() < tx.Size() {
			err = fmt.Errorf("%w: %d of %d bytes are there", errDamaged, info.Size(), tx.Size())
		}
		return err
	})
}

func (d *disk) close() error {
	if d == nil {
		return nil
	}
	return d.db.Close()
}

// enqueue takes the rows of one change as that version. The caller holds the state's lock, which keeps versions in
// order.
func (d *disk) enqueue(version uint64, rows []row) {
	d.queueMu.Lock()
	defer d.queueMu.Unlock()
	d.queue = append(d.queue, rows...)
	d.queued = version
}

// flush returns when everything up to version is on disk. When writing fails the rows stay queued, and the next flush
// tries again: no answer leaves before what it rests on is safe.
func (d *disk) flush(version uint64) error {
	if d == nil || d.written.Load() >= version {
		return nil
	}
	d.writeMu.Lock()
	defer d.writeMu.Unlock()
	if d.written.Load() >= version {
		return nil // whoever came before wrote ours too
	}
	d.queueMu.Lock()
	rows, queued := d.queue, d.queued
	d.queueMu.Unlock()
	if err := d.write(rows); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	d.queueMu.Lock()
	d.queue = d.queue[len(rows):]
	if len(d.queue) == 0 {
		d.queue = nil
	}
	d.queueMu.Unlock()
	d.written.Store(queued)
	return nil
}

func (d *disk) write(rows []row) error {
	return d.db.Update(func(tx *bolt.Tx) error {
		for _, r := range rows {
			b := tx.Bucket([]byte(r.bucket))
			var err error
			if r.value == nil {
				err = b.Delete(r.key)
			} else {
				err = b.Put(r.key, r.value)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", r.bucket, err)
			}
		}
		return nil
	})
}

// wipe forgets everything and starts with rows. When it fails, all is as it was, and what was queued still is.
func (d *disk) wipe(rows []row) error {
	d.writeMu.Lock()
	defer d.writeMu.Unlock()
	d.queueMu.Lock()
	defer d.queueMu.Unlock()
	err := d.db.Update(func(tx *bolt.Tx) error {
		for _, name := range buckets() {
			if err := tx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		for _, r := range rows {
			if err := tx.Bucket([]byte(r.bucket)).Put(r.key, r.value); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		d.queue, d.queued = nil, 0
		d.written.Store(0)
	}
	return err
}

// get reads one value, or nil.
func (d *disk) get(bucket string, key []byte) (value []byte, err error) {
	err = d.db.View(func(tx *bolt.Tx) error {
		value = append([]byte(nil), tx.Bucket([]byte(bucket)).Get(key)...)
		return nil
	})
	return value, err
}

// readMeta reads one value of the meta bucket into v; found is false when it was never written.
func (d *disk) readMeta(name string, v any) (found bool, err error) {
	raw, err := d.get(bucketMeta, []byte(name))
	if err != nil || len(raw) == 0 {
		return false, err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("meta %s: %w", name, err)
	}
	return true, nil
}

func metaRow(name string, v any) row { return row{bucketMeta, []byte(name), mustJSON(v)} }

// mustJSON encodes our own records, which cannot fail.
func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("sandbox: " + err.Error())
	}
	return raw
}

// number is a key that keeps records in the order of their making.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
