"""The tricks as data, by what they trouble: manners, redirects, lines, framing, bodies, files, encryption."""

from tests.hostile.catalogue.bodies import BODIES
from tests.hostile.catalogue.encryption import ENCRYPTION
from tests.hostile.catalogue.files import FILES
from tests.hostile.catalogue.framing import FRAMING
from tests.hostile.catalogue.lines import LINES
from tests.hostile.catalogue.manners import MANNERS
from tests.hostile.catalogue.redirects import REDIRECTS
from tests.hostile.trick import Trick

TRICKS: tuple[Trick, ...] = (*MANNERS, *REDIRECTS, *LINES, *FRAMING, *BODIES, *FILES, *ENCRYPTION)
