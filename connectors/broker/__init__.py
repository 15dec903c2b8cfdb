"""Apache Kafka without Docker: fetched from Maven Central once, run as child processes.

- `artifacts` the lock, and the fetch that obeys it; `maven` the door to jgo; `lock` writes the lock
- `java` finds a Java that Kafka runs on; `installation` both together
- `properties` a node's configuration, pure; `ports` free ones
- `process` a child that never outlives us
- `node` one node; `cluster` one or several, as a context manager
"""

from connectors.broker.artifacts import Progress
from connectors.broker.cluster import Broker, Cluster
from connectors.broker.installation import Installation, install

__all__ = ["Broker", "Cluster", "Installation", "Progress", "install"]
