"""Which redis-py this is, and whether with hiredis."""
import redis

try:
    import hiredis
    LIBRARY = f"redis-py {redis.__version__}, hiredis {hiredis.__version__}"
except ImportError:
    LIBRARY = f"redis-py {redis.__version__}"
