"""Real JupyterLab in real headless Chromium, for tests, benchmarks and screenshots.

Usage:
    with LabServer("notebooks") as server, chromium() as browser, Lab(server, browser) as lab:
        lab.open("04-numerical-computation.ipynb")
        lab.run_all()
        lab.page.get_by_role("slider").first.press("ArrowRight")
        lab.idle()
        lab.screenshot("picture.png")
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary
from playwright.sync_api import Browser, Locator, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync""".split()
OPTIONS = """--no-browser --expose-app-in-browser --allow-root --ip=127.0.0.1
    --IdentityProvider.token= --ServerApp.disable_check_xsrf=True""".split()
QUIET = {  # settings that would make two runs differ; all others are what a reader has
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}
# True once every message to the kernel is answered and three frames have passed. From its first
# call on, it reports what callbacks print and raise, which JupyterLab hides in its log console
# ("No such comm" is a new kernel's answer to the widget manager's first question: harmless).
QUIET_KERNEL = """() => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session?.kernel;
    if (kernel && !kernel.unanswered) {
        kernel.unanswered = new Set();
        kernel.anyMessage.connect((_, { direction, msg }) => {
            const { channel, header: { msg_id, msg_type }, parent_header: parent, content } = msg;
            const state = msg_type == "status" && content.execution_state;
            if (direction == "send" && channel == "shell") kernel.unanswered.add(msg_id);
            if (state == "idle") kernel.unanswered.delete(parent.msg_id);
            if (state == "starting" || state == "restarting") kernel.unanswered.clear();
            const said = { stream: content.text, error: content.evalue }[msg_type] ?? "";
            const ofCell = parent.msg_type == "execute_request";
            if (said && !ofCell && !said.startsWith("No such comm")) kernelSays(said);
        });
    }
    const quiet = kernel?.status == "idle" && kernel.unanswered.size == 0;
    window.quietFrames = quiet ? window.quietFrames + 1 : 0;
    return window.quietFrames > 3;
}"""


def find_chromium() -> str | None:
    """The browser named by $CHROMIUM, or the first one on the path."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def chromium():
    """A headless browser with an empty profile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


class LabServer:
    """JupyterLab on a free loopback port, over a trusted copy of a folder of notebooks.

    Nothing of the developer's own Jupyter is seen: configuration, settings, workspaces and
    signatures live in a temporary folder. Kernels import this working tree.
    """

    def __init__(self, notebooks, settings: dict | None = None):
        self.source, self.settings = Path(notebooks), QUIET | (settings or {})

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="lab-", ignore_cleanup_errors=True)
        self.home = Path(self._folder.name)
        self.notebooks = self.home / "notebooks"
        self._lay_out()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "jupyterlab", *OPTIONS, f"--ServerApp.port={port}"]
        with open(self.home / "server.log", "wb") as log:
            self._process = subprocess.Popen(
                [*command, self.notebooks], env=self._environment(), stdout=log, stderr=log
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.terminate()  # the server then ends its kernels
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()  # kernels notice that their parent is gone
            self._process.wait()
        self._folder.cleanup()

    @property
    def pid(self) -> int:
        """The server's process, the parent of its kernels."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What the server has written so far, and its kernels outside Python."""
        return (self.home / "server.log").read_text(errors="replace")

    def request(self, path: str, method: str = "GET"):
        """Ask the server's REST interface."""
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.loads(reply.read() or "null")

    def restore(self, name: str) -> None:
        """Lay the notebook anew, as stored, and end the kernels of earlier runs."""
        for session in self.request("/api/sessions"):
            self.request(f"/api/sessions/{session['id']}", "DELETE")
        shutil.copy(self.source / name, self.notebooks / name)

    def _lay_out(self):
        shutil.copytree(self.source, self.notebooks, ignore=shutil.ignore_patterns(".*"))
        for plugin, values in self.settings.items():
            path = (
                self.home / "config/lab/user-settings/@jupyterlab" / f"{plugin}.jupyterlab-settings"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        (self.home / "data").mkdir()
        notary = NotebookNotary(data_dir=str(self.home / "data"))
        for path in self.notebooks.rglob("*.ipynb"):
            notary.sign(nbformat.read(path, as_version=4))
        notary.store.close()

    def _environment(self) -> dict:
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))
        }
        return inherited | {
            "JUPYTER_CONFIG_DIR": str(self.home / "config"),
            "JUPYTER_DATA_DIR": str(self.home / "data"),
            "IPYTHONDIR": str(self.home / "ipython"),
            "DLCOMPANION_DATA": str(self.home / "reader-data"),
            "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        }

    def _wait_until_it_answers(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                return self.request("/api/status")
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log}")


class Lab:
    """One page of one fresh browser profile, showing one notebook.

    Further options are those of Playwright's `new_context`, such as `device_scale_factor=2`.
    """

    def __init__(
        self, server: LabServer, browser: Browser, size=(1280, 800), timeout=60, **options
    ):
        self.server, self._said = server, []
        self.console_errors = errors = []
        viewport = {"width": size[0], "height": size[1]}
        self.context = browser.new_context(viewport=viewport, **options)
        self.context.expose_binding("kernelSays", lambda _, text: self._said.append(text))
        self.page = self.context.new_page()
        self.page.set_default_timeout(timeout * 1000)
        self.page.on("console", lambda line: line.type == "error" and errors.append(line.text))
        self.page.on("pageerror", lambda error: errors.append(str(error.stack)))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def open(self, name: str, sidebar: bool = True) -> None:
        """Show a notebook as stored, with a fresh kernel, in a fresh workspace."""
        self.server.restore(name)
        self._go(f"{self.server.url}/lab/workspaces/{uuid.uuid4().hex}/tree/{name}")
        if not sidebar:
            self.page.evaluate("jupyterapp.shell.collapseLeft()")

    def reload(self, save: bool = True) -> None:
        """Reload the page; the kernel lives on. Unsaved outputs are lost, as a reader's are."""
        if save:
            self.command("docmanager:save")
        self._go(self.page.url)

    def run_all(self) -> None:
        """Run all cells; raise what the first failing cell raised."""
        self.command("notebook:run-all-cells")
        self.idle()
        for output in sum(self.outputs(), []):
            if output["output_type"] == "error":
                raise AssertionError(re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output["traceback"])))

    def outputs(self) -> list[list[dict]]:
        """The outputs of each code cell, as a notebook file has them."""
        return self.page.evaluate(
            "Array.from(jupyterapp.shell.currentWidget.content.model.cells)"
            ".filter(cell => cell.type == 'code').map(cell => cell.outputs.toJSON())"
        )

    def restart_kernel(self) -> None:
        """Restart the kernel, as the menu does, without its question."""
        self._finish("jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        self.idle()

    def idle(self) -> None:
        """Wait until the kernel has answered every message, and three frames more."""
        self.page.evaluate("window.quietFrames = 0")
        self.page.wait_for_function(QUIET_KERNEL)

    def theme(self, name: str) -> None:
        """Change to "JupyterLab Light", "JupyterLab Dark" or "JupyterLab Dark High Contrast"."""
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function("name => document.body.dataset.jpThemeName == name", arg=name)
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.idle()

    def command(self, name: str, **arguments) -> None:
        """Execute one of JupyterLab's commands and wait until it is done."""
        self._finish(f"jupyterapp.commands.execute({json.dumps(name)}, {json.dumps(arguments)})")

    def cell(self, index: int) -> Locator:
        """The notebook's cell of this number, from 0, scrolled into view."""
        self._finish(f"jupyterapp.shell.currentWidget.content.scrollToItem({index}, 'start')")
        return self.page.locator(f".jp-Cell[data-windowed-list-index='{index}']")

    def screenshot(self, path) -> None:
        """Write what the window shows to a PNG file."""
        self.page.screenshot(path=path)

    def kernel_log(self) -> str:
        """What widget callbacks have printed and raised; no cell nor the server's log shows it."""
        return "".join(self._said)

    def _go(self, url: str) -> None:
        self.page.goto(url, wait_until="domcontentloaded")
        self.page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.context?.isReady")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")
        self.idle()

    def _finish(self, promise: str) -> None:
        """Await a promise in the page, with the page's time limit (which `evaluate` has not)."""
        self.page.evaluate(
            f"() => {{ window.done = false; {promise}.finally(() => window.done = true) }}"
        )
        self.page.wait_for_function("window.done")
