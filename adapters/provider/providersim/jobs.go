package providersim

// job is an asynchronous job.
type job struct {
	provider string
	status   string
	polls    int
	data     []byte
	list     [][]byte
}

// add keeps a job and returns its id.
func (s *Sim) add(j *job) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := token(16)
	s.jobs[id] = j
	if s.order = append(s.order, id); len(s.order) > maxJobs {
		delete(s.jobs, s.order[0])
		s.order = s.order[1:]
	}
	return id
}

// Forget loses a stand-in's jobs, as providers do after a while.
func (s *Sim) Forget(provider string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, j := range s.jobs {
		if j.provider == provider {
			delete(s.jobs, id)
		}
	}
}

// poll counts how often a job was asked after; done when it was often enough.
func (s *Sim) poll(id string) (j *job, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j = s.jobs[id]
	if j == nil {
		return nil, false
	}
	j.polls++
	return j, j.polls > s.o.Polls
}
