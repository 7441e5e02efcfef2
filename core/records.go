package core

import "time"

// RecordVersion is the format number written into every stored record. A reader that meets a higher one refuses it
// with ErrNewerRecord.
const RecordVersion = 1

// ErrNewerRecord is returned for a record that a newer Atelier wrote.
var ErrNewerRecord = Errorf(CodeInternal, "This was written by a newer version of Atelier.")

// Job is a run in a person's queue.
type Job struct {
	V         int          `json:"v"`
	Rev       int64        `json:"rev"`
	ID        JobID        `json:"id"`
	Version   VersionID    `json:"version"`
	Person    PersonID     `json:"person"`
	Asker     PersonID     `json:"asker,omitempty"` // who asked, where Person is one of their former ids, under which the account lies
	Provider  ProviderName `json:"provider"`
	Request   Request      `json:"request"`
	State     JobState     `json:"state"`
	Relax     bool         `json:"relax,omitempty"`
	NotBefore time.Time    `json:"notBefore,omitzero"`
	CreatedAt time.Time    `json:"createdAt"`
	Fence     int64        `json:"fence,omitempty"` // of the run that submitted it
	// Handle is what the provider's Resume needs, once it accepted the run.
	Handle string `json:"handle,omitempty"`
	// Reservation is what quotas hold for it, Share this job's part of that, Cost what the plan said.
	Reservation string `json:"reservation,omitempty"`
	Share       Amount `json:"share,omitzero"`
	Cost        Cost   `json:"cost,omitzero"`
	Trace       string `json:"trace,omitempty"` // of the inbound that asked for it
	// Begun is when it was claimed the last time; zero before. Took is how long runs at its provider took lately, as
	// Queue knows it; 0 while nobody knows. Both are kept beside the record.
	Begun time.Time     `json:"-"`
	Took  time.Duration `json:"-"`
}

// AskedBy returns who asked.
func (j Job) AskedBy() PersonID {
	if j.Asker != "" {
		return j.Asker
	}
	return j.Person
}

// AccountKey names the queue a job waits in: one person's account at one provider.
func (j Job) AccountKey() string { return string(j.Person) + "/" + string(j.Provider) }
