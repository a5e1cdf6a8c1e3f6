"""The settings: read once at the entry point from `SAMPAN_*` variables, then passed down (docs/operations)."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that an operator may set; no other module reads the environment."""

    model_config = SettingsConfigDict(env_prefix="SAMPAN_", frozen=True, extra="ignore")

    data: Path = Field(default=Path("data"), description="Folder of the embedded engines: database, objects, keys.")
    host: str = Field(default="127.0.0.1", description="Address that the server listens on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port that the server listens on; 0 takes a free one.")
    public_url: str = Field(
        default="", description="Address that devices reach this server by; default http://host:port."
    )
    default_workspace: str = Field(default="demo", description="Workspace of requests without a /w/<workspace> prefix.")
    demo: bool = Field(
        default=False, description="Demo: one-time codes are shown to the developer, tokens can be minted."
    )
    master_key_file: Path | None = Field(
        default=None,
        description="File with the 32-byte master key in hex; default <data>/keys/master.key, made at init.",
    )
    key_passphrase: SecretStr | None = Field(
        default=None, description="Passphrase of the encrypted key files of the server (review, intake, online keys)."
    )
    key_passphrase_file: Path | None = Field(default=None, description="File that holds the passphrase instead.")
    log_level: str = Field(default="info", description="Least level of log lines: debug, info, warning, error.")
    max_package_bytes: int = Field(
        default=200 * 2**20, description="Largest package upload that is read at all, in bytes."
    )
    shutdown_seconds: float = Field(default=10.0, description="How long a stopping server finishes what it began.")
