package profile

import "io/fs"

// foreign is always false: who may write is inherited from the folder, which lies in the user's profile.
func foreign(fs.FileInfo) bool { return false }
