"""`cryptolib` for a port without: nothing is deciphered while the box is measured."""


def aes(key, mode):
    raise NotImplementedError
