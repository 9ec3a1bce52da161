// Dynamically linked: exceptions, threads and locales of C++, OpenMP.
#include <cstdio>
#include <stdexcept>
#include <string>
#include <thread>

int main() {
  std::string text;
  std::thread([&] {
    try {
      throw std::runtime_error("thrown");
    } catch (const std::exception &caught) {
      text = caught.what();
    }
  }).join();
  int sum = 0;
#pragma omp parallel for reduction(+ : sum)
  for (int i = 1; i <= 9; i++) sum += i;
  std::printf("%s %d\n", text.c_str(), sum);
}
