# A token for a user, signed with the secret that Fanfare has too. It needs PyJWT: pip install PyJWT
import os
import sys
import time

import jwt


def token(secret, user, channels):
    claims = {
        "sub": user,
        "exp": int(time.time()) + 600,
        "fanfare": {"client": user, "subscribe": channels},
    }
    return jwt.encode(claims, secret, algorithm="HS256")


# python3 examples/tokens/token.py 42 news
if __name__ == "__main__":
    print(token(os.environ["SECRET"], sys.argv[1], sys.argv[2:]))
