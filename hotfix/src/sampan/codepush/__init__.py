"""React Native bundles by the CodePush protocol: signed, approved by a second person, released by stock tools."""
