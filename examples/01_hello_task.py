"""Ten squares and their sum. Try `python 01_hello_task.py`, then `dhtask run 01_hello_task.py`."""

from dhtask import task, wait_on


@task
def square(number: int) -> int:
    return number * number


@task
def total(numbers: list[int]) -> int:
    return sum(numbers)


if __name__ == "__main__":
    print(wait_on(total([square(number) for number in range(10)])))
