"""Images from files: what is read, and what is refused."""

import gzip
import struct

import numpy as np
import pytest
import torch

from cosim.datasets import load_images
from cosim.errors import DatasetError, InputError


NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_NAMES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(array):
    header = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture
def mnist_folder(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(3)
    for (images, labels), count in ((NAMES, 7), (TEST_NAMES, 4)):
        pixels = rng.integers(0, 256, (count, 28, 28), np.uint8)
        (raw / f"{images}.gz").write_bytes(gzip.compress(idx(pixels), mtime=0))
        (raw / labels).write_bytes(idx(rng.integers(0, 10, count, np.uint8)))
    return tmp_path


@pytest.fixture
def cifar_folder(tmp_path):
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    rng = np.random.default_rng(4)
    for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"):
        records = rng.integers(0, 256, (3, 3073), np.uint8)
        records[:, 0] = [9, 0, 5]
        records[:, 1:1025] = 255
        records.tofile(folder / f"{name}.bin")
    return tmp_path


def test_digits_keep_a_quarter_apart_for_testing_and_no_image_is_in_both():
    images = load_images("digits", None, seed=5)
    assert (len(images.train_images), len(images.test_images)) == (1348, 449)
    assert images.shape == (1, 8, 8)
    assert images.pixels == 64
    train = {tuple(row.tolist()) for row in images.train_images.flatten(1)}
    assert sum(tuple(row.tolist()) in train for row in images.test_images.flatten(1)) <= 1
    again = load_images("digits", None, seed=5)
    assert torch.equal(images.test_images, again.test_images)
    assert not torch.equal(images.test_images, load_images("digits", None, seed=6).test_images)


def test_mnist_is_read_packed_or_not_with_pixels_from_zero_to_one(mnist_folder):
    images = load_images("mnist", mnist_folder)
    assert images.train_images.shape == (7, 1, 28, 28)
    assert len(images.test_labels) == 4
    raw = gzip.decompress((mnist_folder / "MNIST" / "raw" / f"{NAMES[0]}.gz").read_bytes())
    assert float(images.train_images[0, 0, 0, 5] * 255) == pytest.approx(raw[16 + 5])


def test_pixels_are_averaged_over_squares(mnist_folder):
    images = load_images("mnist", mnist_folder)
    small = images.pooled(2)
    assert small.shape == (1, 14, 14)
    expected = images.test_images[1, 0, 4:6, 8:10].mean()
    assert float(small.test_images[1, 0, 2, 4]) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("factor", [0, 3])
def test_a_factor_that_does_not_divide_is_refused(mnist_folder, factor):
    with pytest.raises(InputError, match="divides both"):
        load_images("mnist", mnist_folder).pooled(factor)


def test_cifar_has_red_green_and_blue_planes_and_its_labels(cifar_folder):
    images = load_images("cifar10", cifar_folder)
    assert images.train_images.shape == (15, 3, 32, 32)
    assert images.train_labels[:3].tolist() == [9, 0, 5]
    assert bool((images.test_images[:, 0] == 1).all())
    assert not bool((images.test_images[:, 1] == 1).all())


def test_the_first_images_of_each_set_can_be_taken(cifar_folder):
    few = load_images("cifar10", cifar_folder).first(4, None)
    assert (len(few.train_images), len(few.train_labels), len(few.test_images)) == (4, 4, 3)


def test_a_data_set_that_does_not_come_with_us_needs_a_folder(tmp_path):
    with pytest.raises(InputError, match="name the folder"):
        load_images("mnist", None)
    with pytest.raises(DatasetError, match=r"train-images-idx3-ubyte\.gz` does not exist"):
        load_images("mnist", tmp_path)
    with pytest.raises(DatasetError, match="put its six files there"):
        load_images("cifar10", tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"{NAMES[0]}.gz", b"not gzip"),
        (f"{NAMES[0]}.gz", gzip.compress(b"", mtime=0)),
        (NAMES[1], idx(np.zeros((7, 2), np.uint8))),
        (NAMES[1], idx(np.zeros(7, np.uint8))[:-1]),
        (NAMES[1], idx(np.zeros(6, np.uint8))),
    ],
    ids=["not gzip", "empty", "images for labels", "a label short", "fewer labels than images"],
)
def test_a_damaged_file_of_mnist_is_refused(mnist_folder, name, content):
    (mnist_folder / "MNIST" / "raw" / name).write_bytes(content)
    with pytest.raises(DatasetError, match="again"):
        load_images("mnist", mnist_folder)


def test_a_file_of_cifar_that_is_cut_short_is_refused(cifar_folder):
    path = cifar_folder / "cifar-10-batches-bin" / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DatasetError, match="multiple of 3073"):
        load_images("cifar10", cifar_folder)
