"""`callstreams broker`: Apache Kafka in the foreground, without Docker."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connectors import broker as kafka_broker
from connectors.broker import lock as kafka_lock
from schemas.errors import FatalError
from streams.cli.console import err, out, plain_errors

app = typer.Typer()

_LOOK_SECONDS = 0.5


def register(parent: typer.Typer) -> None:
    """Add `broker` to the command."""
    parent.add_typer(app, name="broker")


@app.callback(invoke_without_command=True)
@plain_errors()
def broker(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(min=1, max=65_000, help="For clients; further nodes take the next ones.")
    ] = 9092,
    data: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="Keep the data here; without it, it goes at the end."),
    ] = None,
    nodes: Annotated[
        int, typer.Option(min=1, max=3, help="3 replicate: one may be lost, and nothing with it.")
    ] = 1,
) -> None:
    """Run Apache Kafka on this machine until Ctrl-C, without Docker.

    The first start fetches Kafka (45 MB) into the cache (CALLSTREAMS_CACHE).
    """
    if context.invoked_subcommand is not None:
        return
    if nodes == 2:
        raise typer.BadParameter("two nodes stop when one is lost: 1 or 3", param_hint="--nodes")
    with _terminated_like_interrupted():
        try:
            installation = install()
            with kafka_broker.Cluster(nodes, port=port, data=data, installation=installation) as it:
                out.print(_panel(it, data))
                _wait_until_one_ends(it)
        except KeyboardInterrupt:
            out.print("Kafka has stopped.")


@app.command(hidden=True)
@plain_errors()
def lock(
    kafka: Annotated[str, typer.Option(help="The version to lock.")],
    output: Annotated[Path, typer.Option(help="Where to write.")] = kafka_lock.PATH,
) -> None:
    """Write connectors/broker/artifacts.lock for another version of Kafka."""
    made = kafka_lock.make_lock(kafka)
    output.write_text(made.render(), encoding="utf-8")
    out.print(f"{output}: {len(made.jars)} jars")


def install() -> kafka_broker.Installation:
    """Find Java and Kafka, showing the progress where Kafka must be fetched.

    Raises:
        CallstreamsError: one of the two cannot be had; the text names the mend.
    """
    columns = (
        TextColumn("Fetching Kafka"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("jars"),
        TimeElapsedColumn(),
    )
    with ExitStack() as shown:
        progress = Progress(*columns, console=err, transient=True)
        task = progress.add_task("fetch")

        def report(done: int, total: int) -> None:
            if not progress.live.is_started:  # the first word: there is something to fetch
                shown.enter_context(progress)
            progress.update(task, completed=done, total=total)

        return kafka_broker.install(report)


def _panel(cluster: kafka_broker.Cluster, data: Path | None) -> Panel:
    return Panel(
        f"[bold]KAFKA_BOOTSTRAP_SERVERS={cluster.bootstrap_servers}[/bold]\n"
        f"data  {'goes at the end (keep it with --data)' if data is None else data.absolute()}\n"
        f"log   {', '.join(str(node.log) for node in cluster.nodes)}\n"
        "Ctrl-C stops it.",
        title="Apache Kafka is running",
        expand=False,
    )


def _wait_until_one_ends(cluster: kafka_broker.Cluster) -> None:
    never = threading.Event()
    while all(node.running for node in cluster.nodes):
        never.wait(_LOOK_SECONDS)
    ended = next(node for node in cluster.nodes if not node.running)
    raise FatalError(f"Kafka ended by itself: {ended.evidence()}")


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
