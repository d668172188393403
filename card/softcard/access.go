package softcard

import (
	"github.com/dhamani-iq/dhamani/card/apdu"
	"github.com/dhamani-iq/dhamani/card/sm"
	"github.com/dhamani-iq/dhamani/crypto/cvc"
	"github.com/dhamani-iq/dhamani/record"
)

// action is what a command wants to do with an object.
type action uint8

const (
	actRead action = iota
	actUpdate
	actAppend
	actPut
	actGet
	actEcho
	actGenerate
	actChipAuth
	actTerminalAuth
	actActivate
	actDeactivate
	actTerminate
	actVerify
	actChange
	actReset
)

// object is what it wants to do it with.
type object uint8

const (
	objApplication object = iota
	objSecurity
	objIdentity
	objPhoto
	objSummary
	objLog
	objHead
	objMarks
	objKeys
	objAnchor
	objDate
	objPIN
	objFingers // their references, and the tries left
	objBio     // templates
	objAudit
	objAssertion
)

var fileObjects = [numFiles]object{
	fileSecurity: objSecurity,
	fileIdentity: objIdentity,
	filePhoto:    objPhoto,
	fileSummary:  objSummary,
	fileLog:      objLog,
	fileBio:      objBio,
	fileAudit:    objAudit,
}

// stateSet is a set of life-cycle states.
type stateSet uint8

const (
	inCreation stateSet = 1 << iota
	inUse
	inBlocked
)

// inState gives the set that holds one life-cycle byte only. A terminated
// application allows nothing, so it is in no set.
func inState(life byte) stateSet {
	switch life {
	case lifeCreation:
		return inCreation
	case lifeOperational:
		return inUse
	case lifeBlocked:
		return inBlocked
	}
	return 0
}

// channel is the set of the ways in which a command may arrive.
type channel uint8

const (
	plain    channel = 1 << iota // unprotected
	secured                      // under secure messaging
	verified                     // likewise, after a verification that counts for the holder
)

// Roles of the table. anyone stands for: no Terminal Authentication needed.
const (
	anyone     cvc.Roles = 0
	everyRole            = cvc.AllRoles
	careRoles            = cvc.RolePhysician | cvc.RoleNurse | cvc.RolePharmacist | cvc.RoleEmergency
	sumWriters           = cvc.RolePhysician | cvc.RoleIssuer
	overseers            = cvc.RolePhysician | cvc.RoleIssuer
	issuerOnly           = cvc.RoleIssuer
)

// rule allows one action on one object: in these states, over these channels,
// to a terminal that has one of the roles and all of the rights.
type rule struct {
	action  action
	object  object
	states  stateSet
	channel channel
	roles   cvc.Roles
	rights  cvc.Rights
	answer  sm.Mode // how secure messaging protects the answer
}

// rules are all access rules of the card; what no row allows is refused.
// What is sealed already travels MAC-only.
var rules = []rule{
	// Files.
	{actRead, objSecurity, inCreation | inUse | inBlocked, plain | secured, anyone, 0, sm.Encrypted},
	{actRead, objIdentity, inUse, secured, everyRole, 0, sm.Encrypted},
	{actRead, objPhoto, inUse, secured, everyRole, 0, sm.Encrypted},
	{actRead, objSummary, inUse, secured, careRoles, 0, sm.MACOnly},
	{actRead, objLog, inUse, secured, everyRole, 0, sm.MACOnly},
	{actUpdate, objSecurity, inCreation, plain, anyone, 0, sm.Encrypted},
	{actUpdate, objIdentity, inCreation, plain, anyone, 0, sm.Encrypted},
	{actUpdate, objPhoto, inCreation, plain, anyone, 0, sm.Encrypted},
	// Log and summary.
	{actGet, objHead, inUse, secured, everyRole, 0, sm.MACOnly},
	{actGet, objHead, inCreation, plain, anyone, 0, sm.MACOnly},
	{actGet, objMarks, inUse, secured, everyRole, 0, sm.MACOnly},
	{actPut, objMarks, inUse, secured, everyRole, 0, sm.MACOnly}, // the right is the receipt's
	{actAppend, objLog, inUse, secured, everyRole, cvc.RightAppend, sm.MACOnly},
	{actAppend, objLog, inCreation, plain, anyone, 0, sm.MACOnly},
	{actPut, objSummary, inUse, secured, sumWriters, cvc.RightWriteSummary, sm.MACOnly},
	{actPut, objSummary, inCreation, plain, anyone, 0, sm.MACOnly},
	// Keys; sectionRoles says which of them a role is given.
	{actGet, objKeys, inUse, secured, everyRole, 0, sm.Encrypted},
	{actPut, objKeys, inCreation, plain, anyone, 0, sm.Encrypted},
	{actGenerate, objApplication, inCreation, plain, anyone, 0, sm.Encrypted},
	{actPut, objAnchor, inCreation, plain, anyone, 0, sm.Encrypted},
	{actPut, objDate, inCreation, plain, anyone, 0, sm.Encrypted},
	// References for user verification, and what they are matched with.
	{actVerify, objPIN, inUse, secured, everyRole, 0, sm.Encrypted},
	{actVerify, objFingers, inUse, secured, everyRole, 0, sm.Encrypted},
	{actPut, objAssertion, inUse, secured, everyRole, cvc.RightHostMatch, sm.Encrypted},
	{actChange, objPIN, inUse, secured, everyRole, 0, sm.Encrypted},
	{actReset, objPIN, inUse, secured, issuerOnly, cvc.RightUnblock, sm.Encrypted},
	{actReset, objFingers, inUse, secured, issuerOnly, cvc.RightUnblock, sm.Encrypted},
	{actPut, objPIN, inUse, secured, issuerOnly, cvc.RightUnblock, sm.Encrypted},
	{actPut, objPIN, inCreation, plain, anyone, 0, sm.Encrypted},
	{actPut, objBio, inUse, secured, issuerOnly, cvc.RightUnblock, sm.Encrypted},
	{actPut, objBio, inCreation, plain, anyone, 0, sm.Encrypted},
	{actGet, objFingers, inUse, secured, everyRole, 0, sm.Encrypted},
	{actRead, objBio, inUse, secured, everyRole, cvc.RightHostMatch, sm.Encrypted},
	// Audit.
	{actRead, objAudit, inUse, secured, overseers, 0, sm.Encrypted},
	{actRead, objAudit, inUse, verified, everyRole, 0, sm.Encrypted},
	{actRead, objAudit, inBlocked, secured, issuerOnly, 0, sm.Encrypted},
	// Authentication; a blocked card allows it to who comes to unblock it.
	{actChipAuth, objApplication, inUse | inBlocked, plain, anyone, 0, sm.Encrypted},
	{actTerminalAuth, objApplication, inUse | inBlocked, secured, anyone, 0, sm.Encrypted},
	{actEcho, objApplication, inCreation | inUse | inBlocked, plain, anyone, 0, sm.Encrypted},
	// Life cycle.
	{actActivate, objApplication, inCreation, plain, anyone, 0, sm.Encrypted},
	{actActivate, objApplication, inBlocked, secured, everyRole, cvc.RightUnblock, sm.Encrypted},
	{actDeactivate, objApplication, inUse, secured, issuerOnly, 0, sm.Encrypted},
	{actTerminate, objApplication, inUse | inBlocked, secured, issuerOnly, 0, sm.Encrypted},
}

// sectionRoles says which roles are given the key of a section; that of the
// sensitive section only after the person, or who answers for them, was
// verified.
var sectionRoles = [record.NumSections]cvc.Roles{
	record.SectionCoverage:   cvc.RoleReceptionist | cvc.RoleNurse | cvc.RolePhysician | cvc.RolePharmacist | cvc.RoleLaboratory,
	record.SectionSummary:    careRoles,
	record.SectionMedication: cvc.RolePharmacist | cvc.RolePhysician,
	record.SectionLaboratory: cvc.RoleLaboratory | cvc.RolePhysician,
	record.SectionClinical:   cvc.RoleNurse | cvc.RolePhysician,
	record.SectionSensitive:  cvc.RolePhysician,
}

// allow looks the action up in the table. It refuses with 6985 what the state
// of the card does not allow to anybody, and with 6982 what it allows to
// others or over another channel.
func (c *Card) allow(cl call, act action, obj object) (sm.Mode, error) {
	via := plain
	s := &c.ram.session
	switch {
	case cl.secured && s.verified&1 != 0:
		via = secured | verified
	case cl.secured:
		via = secured
	}
	sw := apdu.SWConditions
	for _, r := range rules {
		if r.action != act || r.object != obj || r.states&inState(c.state.life) == 0 {
			continue
		}
		if r.channel&via != 0 && (r.roles == anyone || r.roles&s.roles != 0) && s.rights.Has(r.rights) {
			return r.answer, nil
		}
		sw = apdu.SWSecurityStatus
	}
	return 0, refuse(sw)
}
