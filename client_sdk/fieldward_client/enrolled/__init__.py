"""An enrolled device, who is at it, and what it goes through from enrolment to wipe."""
