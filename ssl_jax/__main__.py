"""`python -m ssl_jax VERB …`, the same as `ssl-jax VERB …`."""

from ssl_jax.cli.main import main

raise SystemExit(main())
