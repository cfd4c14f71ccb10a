"""What every test may use: the fixtures around the real kube-apiserver."""

pytest_plugins = ["tests.kube.fixtures"]
