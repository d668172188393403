package eval

// Database is a folder of images of one resolution.
type Database struct {
	Name string
	DPI  int
}

// FVC returns the databases of the Fingerprint Verification Competitions that
// all figures are of, as their folders are named: of ten fingers eight
// impressions each.
func FVC() []Database {
	return []Database{{"fvc2002_db1b", 500}, {"fvc2002_db3b", 500}, {"fvc2004_db1b", 500}, {"fvc2004_db2b", 512}}
}
