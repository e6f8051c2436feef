package pos

// Cheap makes new verifiers cost little.
func (s *Staff) Cheap() { s.memoryKiB = 64 }

var (
	ReadPIN    = readPIN
	GoodPIN    = goodPIN
	ReadCode   = readCode
	PINDelay   = pinDelay
	NewCode    = newRecoveryCode
	NewTestPIN = func(p Pepper, s *Staff) (PINRecord, error) { return s.newVerifier("m", "394857") }
)
