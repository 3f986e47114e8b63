"""Where things lie on a node."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from bakery.model.names import AppName, EnvironmentName, UnitName

ROOTS_FOLDER = PurePosixPath("/var/lib/bakery/node")
USERS_FOLDER = PurePosixPath(".local/share/bakery/node")  # below the home folder


@dataclass(frozen=True, slots=True)
class NodeFolders:
    """Everything that Bakery keeps on a node is below `root`."""

    root: PurePosixPath

    @property
    def programs(self) -> PurePosixPath:
        return self.root / "programs"

    @property
    def units(self) -> PurePosixPath:
        """What units run with, secrets among it: closed to all but us."""
        return self.root / "units"

    @property
    def logs(self) -> PurePosixPath:
        return self.root / "logs"

    @property
    def nginx(self) -> PurePosixPath:
        """The home of an nginx of our own."""
        return self.root / "nginx"

    def unit_log(self, name: UnitName) -> PurePosixPath:
        return self.logs / f"{name}.log"

    def releases(self, app: AppName, environment: EnvironmentName) -> PurePosixPath:
        return self.root / "apps" / app / environment / "releases"

    def volumes(self, app: AppName, environment: EnvironmentName) -> PurePosixPath:
        """Beside what goes with an app."""
        return self.root / "volumes" / app / environment

    def cache(self, app: AppName, environment: EnvironmentName) -> PurePosixPath:
        """What tools keep there between builds."""
        return self.root / "apps" / app / environment / "cache"
