"""The page at `/`, in a real Chromium before a real server: heard, saved, recorded, refused.

VALLE_SCREENSHOTS names a folder that pictures of it are written to.
"""
from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import httpx
import numpy as np
import pytest
import soundfile
from conftest import PROMPT_TEXT, RATE
from serving import CLARA, LONG, TEXT, Server, by_clara, serving, until

from valle.serve.config import KEY
from valle.synthesis.finish import SYNTHETIC
from valle.synthesis.voice_file import Voice
from valle.tts import VALLE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
                None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: apt-get install chromium")]

SECRET = "a key for the page"
STORED = f"sessionStorage.setItem('valle-key', {SECRET!r})"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update",
         "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
         f"--use-file-for-fake-audio-capture={CLARA}")
PATIENCE = 60_000.0  # milliseconds, on a machine that has much else to do
SLOW = 100_000       # bytes a second: some twice as fast as the page plays them
SOME = "The sea was calm. We went home, slowly. Is it late? My old house. "


@pytest.fixture(scope="module")
def server(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data") / "voices"
    with serving(model_folder, folder, "--max-input=2000", env={KEY: SECRET}) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, with the server's key; it must load nothing from elsewhere and break no policy."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE)
    context.add_init_script(STORED)
    complaints, asked = [], []
    page = context.new_page()
    page.on("console", lambda one: complaints.append(one.text))
    page.on("pageerror", lambda one: complaints.append(str(one)))
    page.on("request", lambda one: asked.append(one.url))
    open_page(page, server)
    yield page
    context.close()
    assert not [one for one in complaints if "Failed to load resource" not in one], complaints
    assert not [url for url in asked if not url.startswith((server.url, "blob:", "data:"))]


def open_page(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_selector("#voice-clara:checked", state="attached")


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("VALLE_SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def on_a_slow_line(page: Page) -> None:
    """What is made comes so slowly that it can be watched, however fast the machine."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", {
        "offline": False, "latency": 0, "downloadThroughput": SLOW, "uploadThroughput": -1})


def speak(page: Page, text: str, **settings: str) -> None:
    page.fill("#text", text)
    for name, value in settings.items():
        page.fill(f"#{name}", value)
    page.click("#speak")


def alert(page: Page, words: str) -> None:
    page.wait_for_function("words => document.querySelector('#alert').textContent.includes(words)",
                           arg=words)


def told(page: Page, words: str) -> None:
    page.wait_for_function("words => document.querySelector('#status').textContent.includes(words)",
                           arg=words)


def saved(page: Page, kind: str) -> bytes:
    with page.expect_download() as download:
        page.click(f"[data-save={kind}]")
    assert download.value.suggested_filename == f"valle-1.{kind}"
    return Path(download.value.path()).read_bytes()


@pytest.mark.slow
def test_speech_is_heard_while_it_is_made_and_saved_as_the_server_made_it(
        page: Page, server: Server, model_folder: Path) -> None:
    on_a_slow_line(page)
    speak(page, SOME * 4, seed="7")
    page.wait_for_selector(".take[data-state=making].playing:has(.to-come:not(:empty)) .heard")
    picture(page, "making")
    page.wait_for_selector(".take[data-state=done].playing")
    assert not page.query_selector(".to-come")
    told(page, "Take 1, clara is ready.")

    samples, rate = soundfile.read(io.BytesIO(saved(page, "wav")), dtype="int16")
    tts = VALLE.from_pretrained(model_folder, device="cpu")
    said = by_clara(tts, SOME * 4, seed=7)
    assert rate == RATE and np.array_equal(samples, said)
    with av.open(io.BytesIO(saved(page, "wav"))) as file:
        assert file.metadata["comment"] == SYNTHETIC
    with av.open(io.BytesIO(saved(page, "mp3"))) as file:
        assert abs(file.duration / 1e6 - len(said) / RATE) < 0.2
    check_subtitles(saved(page, "srt").decode(), SOME * 4, len(said) / RATE)


def check_subtitles(file: str, text: str, seconds: float) -> None:
    cues = [cue.split("\n") for cue in file.strip().split("\n\n")]
    assert [cue[0] for cue in cues] == [str(number + 1) for number in range(len(cues))]
    assert " ".join(cue[2] for cue in cues) == " ".join(text.split())
    assert max(len(cue[2]) for cue in cues) <= 42
    times = [3600 * int(h) + 60 * int(m) + int(s) + int(ms) / 1000 for cue in cues
             for h, m, s, ms in re.findall(r"(\d\d):(\d\d):(\d\d),(\d\d\d)", cue[1])]
    assert len(times) == 2 * len(cues) and times == sorted(times) and times[-1] <= seconds + 0.01


def test_what_is_cancelled_frees_the_server(page: Page, server: Server) -> None:
    on_a_slow_line(page)
    page.select_option("#number", "3")
    speak(page, 3 * LONG)
    page.wait_for_selector(".take[data-state=making].playing")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('#takes').ariaBusy === 'false'")
    states = page.eval_on_selector_all(".take", "all => all.map(one => one.dataset.state)")
    assert "cancelled" in states and "making" not in states and page.is_disabled("#cancel")
    until(lambda: httpx.get(f"{server.url}/health/ready").json()["requests"] == 0)
    assert len(saved_numbers(page)) > RATE / 2, "what was said until then can be saved"
    assert page.is_disabled(".take[data-state=cancelled] [data-save=mp3]")


def saved_numbers(page: Page) -> np.ndarray:
    with page.expect_download() as download:
        page.click(".take[data-state=cancelled] [data-save=wav]")
    return np.asarray(soundfile.read(download.value.path())[0])


def test_takes_stand_side_by_side_and_play_in_turn(page: Page) -> None:
    page.select_option("#number", "2")
    page.check("#voice-miles")
    speak(page, SOME, seed="3", speed="0.5")
    told(page, "2 takes are ready.")
    first, second = page.locator(".take").all()
    boxes = [first.bounding_box(), second.bounding_box()]
    assert boxes[0] and boxes[1] and boxes[0]["y"] == boxes[1]["y"]
    assert [one.locator(".what .hint").text_content() for one in (first, second)] == [
        "seed 3, 0.5 ×", "seed 4, 0.5 ×"]
    page.click("#in-turn")
    page.wait_for_selector(".take:nth-child(1).playing")
    first.locator(".seek").press("End")
    page.wait_for_selector(".take:nth-child(2).playing")
    second.locator(".play").click()
    assert not page.query_selector(".playing")
    second.locator(".remove").click()
    assert page.locator(".take").count() == 1 and page.is_hidden("#in-turn")
    assert page.evaluate("document.activeElement.className") == "play"


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_an_uploaded_voice_is_kept_with_consent_and_deleted(way: str, page: Page, server: Server,
                                                            prompt: Path) -> None:
    if way == "chosen":
        page.check("#voice-own")
        page.set_input_files("#file", prompt)
    else:
        drop(page, CLARA)
    page.wait_for_selector("#prompt-figure:visible")
    assert page.is_checked("#voice-own")
    page.click("#keep")
    alert(page, "its owner agreed")
    assert page.evaluate("document.activeElement.id") == "consent"
    if way == "chosen":
        page.fill("#said", PROMPT_TEXT)
    page.check("#consent")
    page.fill("#name", "Fox")
    page.click("#keep")
    page.wait_for_selector("#voice-fox:checked", state="attached")
    voice = Voice.load(server.voices / "fox.safetensors")
    assert voice.consent.startswith("This is my own voice, or its owner agreed")
    assert page.input_value("#said") == voice.prompt.text
    assert (voice.prompt.text == PROMPT_TEXT) == (way == "chosen")
    speak(page, TEXT)
    told(page, "Take 1, fox is ready.")

    page.click("[aria-label='Delete the voice fox']")
    page.keyboard.press("Escape")
    assert (server.voices / "fox.safetensors").exists(), "who does not answer deletes nothing"
    page.click("[aria-label='Delete the voice fox']")
    page.click("#ask-yes")
    told(page, "fox is deleted.")
    assert not page.query_selector("#voice-fox") and not list(server.voices.iterdir())


def drop(page: Page, path: Path) -> None:
    """As a file that is dropped on the page."""
    page.evaluate("""data => {
        const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], "dropped.wav", {type: "audio/wav"}));
        document.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, cancelable: true}));
    }""", base64.b64encode(path.read_bytes()).decode())


def test_a_recording_is_what_the_microphone_heard(page: Page) -> None:
    page.check("#voice-own")
    page.click("#record")
    page.wait_for_selector("#record[aria-pressed=true]")
    page.wait_for_timeout(3500)
    picture(page, "recording")
    page.click("#record")
    page.wait_for_selector("#prompt-figure:visible")
    page.fill("#said", CLARA.with_suffix(".txt").read_text().strip())
    page.check("#consent")
    with page.expect_request("**/dev/captioned_speech") as request:
        speak(page, TEXT)
    recording = body(request.value.post_data)["ref_audio"].partition(",")[2]
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(recording)))
    assert rate == RATE and 2.5 < len(heard) / RATE < 12
    assert likeness(heard, soundfile.read(CLARA)[0]) > 0.9
    told(page, "new voice is ready.")


def body(sent: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sent or "")
    return found


def likeness(heard: np.ndarray, played: np.ndarray) -> float:
    """Correlation of a second of what was heard with what a microphone plays again and again."""
    second = heard[RATE: 2 * RATE]
    loop = np.concatenate([played, played])
    product = np.fft.irfft(np.fft.rfft(loop) * np.fft.rfft(second, len(loop)).conj(), len(loop))
    start = int(product[:len(played)].argmax())
    return float(np.corrcoef(loop[start: start + RATE], second)[0, 1])


def test_mistakes_are_named_in_words(page: Page, tmp_path: Path) -> None:
    page.fill("#text", " ")
    page.keyboard.press("Control+Enter")
    alert(page, "Write a text")
    speak(page, "A long word. " * 200)
    alert(page, "the limit is 2000")
    page.wait_for_selector("#none:visible")
    page.check("#voice-own")
    page.click("#speak")
    alert(page, "First record a voice")
    (tmp_path / "page.txt").write_text("no sound")
    page.set_input_files("#file", tmp_path / "page.txt")
    alert(page, "page.txt is no sound file")
    picture(page, "mistake")
    page.context.set_offline(True)
    page.check("#voice-clara")
    speak(page, TEXT)
    alert(page, "The server does not answer")
    assert page.get_attribute("#alert", "role") == "alert"


def test_a_server_with_a_key_asks_for_it(browser: Browser, server: Server) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        open_page(page, server)
        speak(page, TEXT)
        alert(page, "Give the server's key")
        assert page.evaluate("document.activeElement.id") == "key"
        page.keyboard.type(SECRET)
        page.keyboard.press("Enter")
        told(page, "Take 2, clara is ready.")


@pytest.mark.slow
def test_what_a_server_said_before_it_died_can_be_saved(browser: Browser, model_folder: Path,
                                                        tmp_path: Path) -> None:
    with serving(model_folder, tmp_path) as server, browser.new_context() as context:
        page = context.new_page()
        open_page(page, server)
        on_a_slow_line(page)
        speak(page, 3 * LONG)
        page.wait_for_selector(".take[data-state=making].playing")
        server.process.kill()
        page.wait_for_selector(".take[data-state=failed]")
        alert(page, "The server broke off")
        assert len(soundfile.read(io.BytesIO(saved(page, "wav")))[0]) and page.is_disabled(
            "[data-save=mp3]")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_can_be_read_by_anyone(width: int, scheme: Any, page: Page, prompt: Path) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    speak(page, TEXT)
    told(page, "is ready.")
    picture(page, f"take-{scheme}-{width}")
    page.check("#voice-own")
    page.set_input_files("#file", prompt)
    page.wait_for_selector("#prompt-figure:visible")
    page.click("#keep")
    alert(page, "its owner agreed")
    picture(page, f"voice-{scheme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def test_it_can_be_used_without_a_mouse(page: Page) -> None:
    page.focus("#text")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("#voice-miles")
    page.keyboard.press("Control+Enter")
    told(page, "Take 1, miles is ready.")
    page.focus(".seek")
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    position = page.get_attribute(".seek", "aria-valuetext")
    assert position and re.fullmatch(r"[\d.]+ of [\d.]+ seconds", position)
    page.focus(".remove")
    page.keyboard.press("Enter")
    page.wait_for_selector("#none:visible")


def test_no_script_but_its_own_can_run(browser: Browser, server: Server) -> None:
    for path in ("/", "/page/main.js"):
        policy = httpx.get(server.url + path).headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
    page = browser.new_page()
    open_page(page, server)
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.intruded = true";
        document.body.append(script);
        document.body.setAttribute("style", "color: red");
    }""")
    assert page.evaluate("window.intruded") is None
    assert page.evaluate("getComputedStyle(document.body).color") != "rgb(255, 0, 0)"
    page.close()
