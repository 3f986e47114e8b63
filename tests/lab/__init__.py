"""The lab: real machines for tests, as containers with systemd, sshd, nginx and Docker inside.

`Lab.open()` finds or makes what it needs, `lab.node()` lends a fresh node, and what a killed run
left behind is removed when the next one opens the lab.
"""
