"""`python -m specrun`."""

from specrun.cli.main import run

if __name__ == "__main__":
    run()
