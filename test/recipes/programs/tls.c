// Dynamically linked with OpenSSL: what `base` has and `base-nossl` does not.
#include <openssl/ssl.h>
#include <stdio.h>

int main(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  if (context == NULL || SSL_CTX_set_default_verify_paths(context) != 1) return 1;
  X509_STORE *store = SSL_CTX_get_cert_store(context);
  printf("%d\n", sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) > 100);
}
