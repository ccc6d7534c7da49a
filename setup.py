"""ssl_jax: metadata, dependencies and extras. Build system and tools are set in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

CORE = [
    "jax>=0.10,<0.12",
    "flax>=0.12,<0.13",
    "optax>=0.2.6,<0.3",
    "orbax-checkpoint>=0.11.30,<0.13",
    "ml-collections>=1.1,<2",
    "chex>=0.1.90,<0.2",
    "etils[epath]>=1.12",
    "numpy>=2.0",
    "scipy>=1.14",
    "rich>=13.9",
    "safetensors>=0.5",
    "matplotlib>=3.9",
    "pillow>=11",
    "tensorboardX>=2.6.2",
    # tf.data. tensorflow-cpu has no wheel for Apple silicon, where plain tensorflow is the CPU build.
    'tensorflow-cpu>=2.20,<2.22; platform_machine != "arm64" and platform_machine != "aarch64"',
    'tensorflow>=2.20,<2.22; platform_machine == "arm64" or platform_machine == "aarch64"',
    "tensorflow-datasets>=4.9.9,<5",
    "importlib_resources>=6",  # tensorflow-datasets imports it on Python 3.11 without saying so
    'array_record>=0.8; sys_platform == "linux" or sys_platform == "darwin"',
]
PARQUET = ["pyarrow>=17"]
VIDEO = ["av>=18"]
TEXT = ["tokenizers>=0.21"]
MESHES = ["trimesh>=4"]
TIFF = ["tifffile>=2024.8"]
DICOM = ["pydicom>=3"]
WANDB = ["wandb>=0.21"]
MLFLOW = ["mlflow>=3"]
REPORT = ["plotly>=6", "scikit-learn>=1.5"]
READ = [*PARQUET, *VIDEO, *TEXT, *MESHES, *TIFF, *DICOM]
TEST = [*READ, *REPORT, "datasets>=3", "pytest>=8", "pytest-xdist>=3.6", "playwright>=1.50", "ImageHash>=4.3"]
ONNX = ["jax2onnx>=0.17,<0.18", "onnxruntime>=1.20"]
EXTRAS = {
    "tpu": ["jax[tpu]"],
    "cuda": ["jax[cuda13]"],
    "plan": ['libtpu>=0.0.30; sys_platform == "linux"'],
    "onnx": ONNX,
    "parquet": PARQUET,
    "video": VIDEO,
    "text": TEXT,
    "meshes": MESHES,
    "report": REPORT,
    "wandb": WANDB,
    "mlflow": MLFLOW,
    # What reads exports back, in an environment of its own: the tests find it by SSL_JAX_INTEROP=PYTHON.
    "interop": ["torch>=2.6", "torchvision>=0.21", "timm>=1.0.15", "transformers>=5", *ONNX],
    "test": TEST,
    "dev": [*TEST, "ruff>=0.9", "build>=1.2"],
}
OUTSIDE = {
    "ssl_jax.configs": "configs",
    "ssl_jax.configs.presets": "configs/presets",
    "ssl_jax.launch": "launch",
}
"""Packages that lie beside ssl_jax/ in the checkout."""

setup(
    name="ssl_jax",
    version="0.1.0",
    description="Self-supervised pre-training of vision models in JAX: TPU and GPU pods, and a laptop to learn how",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "ssl_jax/data/embedded/fashion_mnist.LICENSE"],
    python_requires=">=3.11",
    packages=[*find_packages(include=["ssl_jax", "ssl_jax.*"]), *OUTSIDE],
    package_dir=OUTSIDE,
    package_data={"ssl_jax.data.embedded": ["*"], "ssl_jax.launch": ["*.sh"]},
    install_requires=CORE,
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["ssl-jax = ssl_jax.cli.main:main"]},
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
