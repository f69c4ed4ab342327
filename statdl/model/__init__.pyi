from statdl.model.activation import ACTIVATIONS as ACTIVATIONS
from statdl.model.activation import Activation as Activation
from statdl.model.frozen import Frozen as Frozen
from statdl.model.initial import INITIALS as INITIALS
from statdl.model.initial import Initial as Initial
from statdl.model.network import Network as Network
from statdl.model.weight_normalisation import Direction as Direction

__all__: list[str]
