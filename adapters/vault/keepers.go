package vault

import (
	_ "gocloud.dev/secrets/localsecrets" // base64key://
)
