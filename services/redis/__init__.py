"""Redis behind the cache's port."""

from services.redis.cache import RedisCache

__all__ = ["RedisCache"]
