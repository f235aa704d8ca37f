"""What moto gets wrong about UpdateUser, put right: it files a user's tags under its ARN."""

from collections.abc import Iterator
from contextlib import contextmanager

from moto.iam.models import IAMBackend


@contextmanager
def renamed_users_keep_tags() -> Iterator[None]:
    """Let users of moto keep their tags when they are moved or renamed, as IAM does."""
    original = IAMBackend.update_user

    def update_user(
        self: IAMBackend,
        user_name: str,
        new_path: str | None = None,
        new_user_name: str | None = None,
    ) -> None:
        before = self.get_user(user_name)
        old_arn = before.arn
        tags = self.tagger.list_tags_for_resource(old_arn)["Tags"]
        original(self, user_name, new_path, new_user_name)
        self.tagger.delete_all_tags_for_resource(old_arn)
        self.tagger.tag_resource(self.get_user(new_user_name or user_name).arn, tags)

    IAMBackend.update_user = update_user  # type: ignore[method-assign]
    try:
        yield
    finally:
        IAMBackend.update_user = original  # type: ignore[method-assign]
