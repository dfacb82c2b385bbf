from api_server import Start
from schema_cases import ask_all


def test_made_up_requests_find_no_fault_with_the_server(start: Start) -> None:
    served = start()
    ended = ask_all(served.url, 20)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert served.interrupt() == 0
    assert len(served.log) > 100
    assert not [line for line in served.log if line["status"] >= 500]
